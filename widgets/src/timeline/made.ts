// Frames and scenes that are made for tests, as Python packs them.
import type { Scene, State } from "./scene";

interface Frame {
  sequence?: number;
  first?: number;
  width?: number;
  edge?: number;
  series: Record<number, number[]>;
}

/** A frame of samples: mean as given, least one below it, greatest one above. */
export function sampleFrame({
  sequence = 1,
  first = 0,
  width = 1,
  edge = 0,
  series,
}: Frame): DataView {
  const ids = Object.keys(series).map(Number);
  const count = series[ids[0] as number]?.length ?? 0;
  const data = new DataView(new ArrayBuffer(40 + 4 * ids.length * (1 + 3 * count)));
  letters(data, "MLTS");
  data.setUint32(8, sequence, true);
  data.setInt32(12, first, true);
  data.setUint32(16, count, true);
  data.setUint32(20, ids.length, true);
  data.setFloat64(24, width, true);
  data.setFloat64(32, edge, true);
  ids.forEach((id, place) => {
    data.setUint32(40 + 4 * place, id, true);
    [0, -1, 1].forEach((away, part) => {
      const at = 40 + 4 * ids.length + 4 * count * (3 * place + part);
      (series[id] as number[]).forEach((value, bin) => {
        data.setFloat32(at + 4 * bin, value + away, true);
      });
    });
  });
  return data;
}

export function shareFrame(rows: number[][]): DataView {
  const count = rows[0]?.length ?? 0;
  const data = new DataView(new ArrayBuffer(32 + rows.length * (4 + count)));
  letters(data, "MLTW");
  data.setUint32(16, rows.length, true);
  data.setUint32(20, count, true);
  data.setFloat64(24, 1, true);
  rows.forEach((levels, row) => {
    data.setFloat32(32 + 4 * row, 1, true);
    levels.forEach((level, bin) => {
      data.setUint8(32 + 4 * rows.length + row * count + bin, level);
    });
  });
  return data;
}

interface Span {
  start: number;
  length: number;
  row: number;
  outcome: number;
}

export function spanFrame(origin: number, spans: Span[]): DataView {
  const size = spans.length;
  const data = new DataView(new ArrayBuffer(32 + 11 * size));
  letters(data, "MLTW");
  data.setUint32(8, 1, true);
  data.setUint32(16, size, true);
  data.setFloat64(24, origin, true);
  spans.forEach((span, place) => {
    data.setFloat32(32 + 4 * place, span.start, true);
    data.setFloat32(32 + 4 * (size + place), span.length, true);
    data.setUint16(32 + 8 * size + 2 * place, span.row, true);
    data.setUint8(32 + 10 * size + place, span.outcome);
  });
  return data;
}

function letters(data: DataView, magic: string): void {
  [...magic].forEach((letter, at) => {
    data.setUint8(at, letter.charCodeAt(0));
  });
  data.setUint32(4, 1, true);
}

/** A run that goes on, with one lane of two processors and one pipeline. */
export function madeScene(changes: Partial<Scene> = {}): Scene {
  const lane = {
    metric: "host_cpu_busy",
    title: "host CPU busy",
    unit: "%",
    source: "/proc/stat",
    stand_in: false,
    meaning: "",
    period: 0.5,
    thinned: false,
    series: [
      { id: 0, name: "cpu0", device: "cpu0", pipeline: null },
      { id: 1, name: "cpu1", device: "cpu1", pipeline: null },
    ],
  };
  return {
    id: "run",
    name: "<b>bench",
    status: "load",
    going: true,
    verdict: null,
    first: 0,
    phases: [{ name: "load", start: 0, end: null }],
    window: null,
    marks: [],
    pipelines: [{ name: "rag", colour: "#1F5599", rows: [{ code: 0, stage: "<i>retrieve" }] }],
    lanes: [lane],
    absent: [],
    notes: [],
    ...changes,
  };
}

/** A model that counts who listens to it. */
export class MadeModel {
  readonly listeners = new Map<string, Set<() => void>>();
  saved = 0;
  private state: State;

  constructor(changes: Partial<State> = {}) {
    const none = new DataView(new ArrayBuffer(0));
    this.state = {
      scene: madeScene(),
      frame: sampleFrame({ edge: 3, series: { 0: [1, 2, 3], 1: [3, 2, 1] } }),
      tail: none,
      work: none,
      view: {},
      lanes: ["host_cpu_busy"],
      hidden: [],
      brushed: [],
      stop_asked: false,
      stop_heard: false,
      ...changes,
    };
  }

  get<Key extends keyof State>(name: Key): State[Key] {
    return this.state[name];
  }

  set<Key extends keyof State>(name: Key, value: State[Key]): void {
    this.state = { ...this.state, [name]: value };
    for (const call of this.listeners.get(`change:${name}`) ?? []) call();
  }

  save_changes(): void {
    this.saved += 1;
  }

  on(event: string, call: () => void): void {
    const calls = this.listeners.get(event) ?? new Set();
    this.listeners.set(event, calls.add(call));
  }

  off(event: string, call: () => void): void {
    this.listeners.get(event)?.delete(call);
  }

  get heard(): number {
    return [...this.listeners.values()].reduce((sum, calls) => sum + calls.size, 0);
  }
}
