// What Python sends of a run, as numbers. The format is told in mlbench/widgets/timeline/frame.py,
// and this reads its version 1.

export const VERSION = 1;

const HEAD = 40;
const WORK_HEAD = 32;

/** Mean, least and greatest value of each bin of one series; NaN where a bin has none. */
export interface Bins {
  mean: Float32Array;
  low: Float32Array;
  high: Float32Array;
}

/** A frame of samples: bins in a row, and for each series what lies in them. */
export interface Samples {
  sequence: number;
  first: number;
  count: number;
  width: number;
  edge: number;
  series: Map<number, Bins>;
}

/** What the stages did, as shares of bins: for each row a share of 0 to `greatest`. */
export interface Shares {
  kind: "shares";
  first: number;
  count: number;
  width: number;
  greatest: Float32Array;
  levels: Uint8Array;
}

/** What the stages did, span by span: s after the zero, and the row that each is in. */
export interface Spans {
  kind: "spans";
  count: number;
  origin: number;
  start: Float32Array;
  length: Float32Array;
  row: Uint16Array;
  outcome: Uint8Array;
}

export type Work = Shares | Spans;

/** The bytes of a trait, in a buffer of their own: arrays must begin at a multiple of four. */
function own(view: DataView): ArrayBuffer {
  const { buffer, byteOffset, byteLength } = view;
  return buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer;
}

function begins(data: DataView, magic: string): boolean {
  const letters = [0, 1, 2, 3].map((at) => String.fromCharCode(data.getUint8(at)));
  return letters.join("") === magic && data.getUint32(4, true) === VERSION;
}

/** A frame of samples; null where there is none, or one of another version. */
export function decodeSamples(view: DataView | null | undefined): Samples | null {
  if (!view || view.byteLength < HEAD) return null;
  const buffer = own(view);
  const data = new DataView(buffer);
  if (!begins(data, "MLTS")) return null;
  const count = data.getUint32(16, true);
  const size = data.getUint32(20, true);
  if (buffer.byteLength < HEAD + 4 * size * (1 + 3 * count)) return null;
  const ids = new Uint32Array(buffer, HEAD, size);
  const series = new Map<number, Bins>();
  ids.forEach((id, place) => {
    const at = HEAD + 4 * size + 12 * count * place;
    const part = (number: number) => new Float32Array(buffer, at + 4 * count * number, count);
    series.set(id, { mean: part(0), low: part(1), high: part(2) });
  });
  return {
    sequence: data.getUint32(8, true),
    first: data.getInt32(12, true),
    count,
    width: data.getFloat64(24, true),
    edge: data.getFloat64(32, true),
    series,
  };
}

/** A frame of work; null where there is none, or one of another version. */
export function decodeWork(view: DataView | null | undefined): Work | null {
  if (!view || view.byteLength < WORK_HEAD) return null;
  const buffer = own(view);
  const data = new DataView(buffer);
  if (!begins(data, "MLTW")) return null;
  const size = data.getUint32(16, true);
  const count = data.getUint32(20, true);
  const number = data.getFloat64(24, true);
  if (data.getUint32(8, true) === 1) {
    if (buffer.byteLength < WORK_HEAD + 11 * size) return null;
    return {
      kind: "spans",
      count: size,
      origin: number,
      start: new Float32Array(buffer, WORK_HEAD, size),
      length: new Float32Array(buffer, WORK_HEAD + 4 * size, size),
      row: new Uint16Array(buffer, WORK_HEAD + 8 * size, size),
      outcome: new Uint8Array(buffer, WORK_HEAD + 10 * size, size),
    };
  }
  if (buffer.byteLength < WORK_HEAD + size * (4 + count)) return null;
  return {
    kind: "shares",
    first: data.getInt32(12, true),
    count,
    width: number,
    greatest: new Float32Array(buffer, WORK_HEAD, size),
    levels: new Uint8Array(buffer, WORK_HEAD + 4 * size, size * count),
  };
}

/** A whole frame with the part that has grown after it, as one. */
export function joined(whole: Samples | null, tail: Samples | null): Samples | null {
  if (!whole || !tail || tail.sequence !== whole.sequence || tail.count === 0) return whole;
  const before = tail.first - whole.first;
  if (before < 0 || before > whole.count) return whole;
  const count = before + tail.count;
  const longer = (old: Float32Array, fresh: Float32Array) => {
    const made = new Float32Array(count);
    made.set(old.subarray(0, before));
    made.set(fresh, before);
    return made;
  };
  const series = new Map<number, Bins>();
  for (const [id, old] of whole.series) {
    const fresh = tail.series.get(id);
    if (!fresh) continue;
    series.set(id, {
      mean: longer(old.mean, fresh.mean),
      low: longer(old.low, fresh.low),
      high: longer(old.high, fresh.high),
    });
  }
  return { ...whole, count, edge: tail.edge, series };
}

/** The values with short gaps filled along a line, as plain numbers; a true gap is null.
 *
 * Bins may be narrower than readings are apart: `reach` is how many bins a gap may have.
 */
export function bridged(values: Float32Array, reach: number): (number | null)[] {
  const found: (number | null)[] = new Array(values.length).fill(null);
  let last = -1;
  for (let place = 0; place < values.length; place++) {
    const value = values[place] as number;
    if (Number.isNaN(value)) continue;
    found[place] = value;
    if (last >= 0 && place - last > 1 && place - last <= reach) {
      const from = values[last] as number;
      for (let gap = last + 1; gap < place; gap++) {
        found[gap] = from + ((value - from) * (gap - last)) / (place - last);
      }
    }
    last = place;
  }
  return found;
}
