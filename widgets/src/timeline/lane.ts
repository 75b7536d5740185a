// A lane: one metric, drawn by uPlot, with a line for each device or pipeline and its range.
import uPlot from "uplot";
import { h, say } from "../lib/dom";
import { colourOf, faint, type Theme } from "./colours";
import { duration, quantity, tick } from "./format";
import { bridged, type Samples } from "./frame";
import { type Lane, owner, type Series } from "./scene";
import type { Window } from "./view";

export const HEIGHT = 70;
export const LEFT = 52;
export const RIGHT = 10;

const BINARY_STEPS = Array.from({ length: 50 }, (_, power) => 2 ** power);

/** Steps of the axis of time, s: decimal below a minute, then as clocks have them. */
const TIMES = [
  ...[-4, -3, -2, -1, 0].flatMap((power) => [1, 2, 5].map((step) => step * 10 ** power)),
  ...[10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 21600, 43200, 86400],
];

/** What a lane is drawn with; the timeline owns it. */
export interface Look {
  window: Window;
  theme: Theme;
  colours: Map<string, string>;
  hidden: ReadonlySet<string>;
}

export class LaneView {
  readonly row: HTMLElement;
  private readonly host: HTMLElement;
  private readonly values: HTMLElement;
  private readonly said = new Map<number, HTMLElement>();
  private plot: uPlot | null = null;
  private series: Series[] = [];
  private data: uPlot.AlignedData = [[]];
  private greatest = 0;

  constructor(
    readonly lane: Lane,
    private readonly look: Look,
  ) {
    this.host = h("div", { class: "mlt-plot" });
    this.values = h("div", { class: "mlt-values" });
    this.row = h(
      "div",
      { class: "mlt-lane", "data-metric": lane.metric },
      label(lane),
      this.host,
      this.values,
    );
  }

  /** Draw with other colours, other series or at another width. */
  rebuild(width: number): void {
    this.plot?.destroy();
    this.series = this.lane.series.filter((each) => !this.look.hidden.has(owner(each)));
    this.plot = new uPlot(this.options(width), this.data, this.host);
    this.keys();
  }

  resize(width: number): void {
    this.plot?.setSize({ width, height: HEIGHT });
  }

  /** Take the bins of a frame. */
  take(samples: Samples): void {
    const { first, count, width } = samples;
    const times = Array.from({ length: count }, (_, place) => (first + place + 0.5) * width);
    const reach = Math.max(1, Math.ceil((2.2 * (this.lane.period ?? 0)) / width));
    const columns: (number | null)[][] = [];
    for (const each of this.series) {
      const bins = samples.series.get(each.id);
      for (const part of ["low", "high", "mean"] as const) {
        columns.push(bins ? bridged(bins[part], reach) : new Array(count).fill(null));
      }
    }
    this.data = [times, ...columns] as uPlot.AlignedData;
    this.scale();
    this.plot?.setData(this.data, false);
  }

  /** The height of the lane: zero to what is greatest in the window, without flicker. */
  private scale(): void {
    const [times, ...columns] = this.data;
    const { start, end } = this.look.window;
    let top = 0;
    for (let column = 1; column < columns.length; column += 3) {
      const high = columns[column] ?? [];
      for (let place = 0; place < high.length; place++) {
        const at = times[place] as number;
        const value = high[place];
        if (value !== null && value !== undefined && at >= start && at <= end && value > top)
          top = value;
      }
    }
    const percent = this.lane.unit === "%" && top <= 100;
    if (percent) this.greatest = 100;
    else if (top > this.greatest || top < 0.45 * this.greatest) this.greatest = top * 1.08;
  }

  draw(): void {
    this.scale();
    const { start, end } = this.look.window;
    const { plot } = this;
    plot?.batch(() => {
      plot.setScale("x", { min: start, max: end });
      plot.setScale("y", { min: 0, max: this.greatest || 1 });
    });
  }

  /** Write the values at an instant beside the lane; without one, the last. */
  read(at: number | null): void {
    const [times, ...columns] = this.data;
    const place = at === null ? null : nearest(times, at);
    this.series.forEach((each, number) => {
      const mean = columns[3 * number + 2] ?? [];
      const value = place === null ? lastOf(mean) : mean[place];
      const cell = this.said.get(each.id);
      if (cell) say(cell, quantity(value, this.lane.unit));
    });
  }

  destroy(): void {
    this.plot?.destroy();
    this.plot = null;
    this.row.remove();
  }

  private keys(): void {
    this.said.clear();
    this.values.replaceChildren(
      ...this.series.map((each) => {
        const value = h("span", { class: "mlt-value" }, "–");
        this.said.set(each.id, value);
        const dot = h("i", {
          class: "mlt-dot",
          style: `--dot:${colourOf(this.look.colours, each)}`,
        });
        const name = h("span", { class: "mlt-name", title: each.name }, each.name);
        return h("div", { class: "mlt-key" }, dot, name, value);
      }),
    );
    this.row.classList.toggle("mlt-many", this.series.length > 4);
  }

  private options(width: number): uPlot.Options {
    const { theme } = this.look;
    return {
      width,
      height: HEIGHT,
      padding: [11, RIGHT, 9, 0],
      cursor: { show: false },
      legend: { show: false },
      scales: { x: { time: false, auto: false }, y: { auto: false } },
      axes: [
        {
          ...ruled(theme),
          size: 0,
          values: (_, splits) => splits.map(() => ""),
          space: 90,
          incrs: TIMES,
        },
        {
          ...ruled(theme),
          size: LEFT,
          gap: 6,
          space: 20,
          stroke: theme.soft,
          ...(this.lane.unit.startsWith("bytes") ? { incrs: BINARY_STEPS } : {}),
          values: (_, splits) => splits.map((value) => tick(value, this.lane.unit)),
        },
      ],
      series: [{}, ...this.series.flatMap((each) => lines(colourOf(this.look.colours, each)))],
      bands: this.series.map((each, number) => ({
        series: [3 * number + 2, 3 * number + 1],
        fill: faint(colourOf(this.look.colours, each), 0.2),
      })),
    };
  }
}

function ruled(theme: Theme): uPlot.Axis {
  return {
    font: theme.font,
    grid: { stroke: theme.rule, width: 1 },
    ticks: { show: false },
    border: { show: false },
  };
}

/** Least, greatest, mean: the first two only bound the shade. */
function lines(colour: string): uPlot.Series[] {
  const bound: uPlot.Series = { width: 0, points: { show: false }, stroke: "transparent" };
  return [bound, { ...bound }, { width: 1.5, points: { show: false }, stroke: colour }];
}

/** Name, unit, source and resolution of a lane, always in sight. */
function label(lane: Lane): HTMLElement {
  const every = lane.period === null ? "" : ` · every ${duration(lane.period)}`;
  const thinned = lane.thinned ? " · older values thinned" : "";
  const source = `${lane.source}${every}${thinned}`;
  return h(
    "div",
    { class: "mlt-label", title: `${lane.metric}: ${lane.meaning}\n${source}` },
    h(
      "div",
      { class: "mlt-title" },
      h("span", {}, lane.title),
      h("span", { class: "mlt-unit" }, unitOf(lane)),
    ),
    h("div", { class: "mlt-source" }, source),
    lane.stand_in ? h("div", { class: "mlt-stand-in" }, "source: stand-in") : null,
  );
}

function unitOf(lane: Lane): string {
  if (lane.unit === "processors") return "CPUs";
  return lane.unit === "count" ? "" : lane.unit;
}

function nearest(times: ArrayLike<number>, at: number): number | null {
  if (times.length === 0) return null;
  const first = times[0] as number;
  const step = times.length > 1 ? (times[1] as number) - first : 1;
  const place = Math.round((at - first) / step);
  return place < 0 || place >= times.length ? null : place;
}

function lastOf(values: ArrayLike<number | null | undefined>): number | null {
  for (let place = values.length - 1; place >= 0; place--) {
    const value = values[place];
    if (value !== null && value !== undefined) return value;
  }
  return null;
}

/** The axis of time below all lanes: a plot without a line, so that its marks meet their grid. */
export class AxisView {
  readonly row: HTMLElement;
  private readonly host: HTMLElement;
  private plot: uPlot | null = null;

  constructor(private readonly look: Look) {
    this.host = h("div", { class: "mlt-plot" });
    const what = h("div", { class: "mlt-label mlt-axis-label" }, "after the barrier");
    this.row = h("div", { class: "mlt-axis" }, what, this.host, h("div", { class: "mlt-values" }));
  }

  rebuild(width: number): void {
    this.plot?.destroy();
    const { theme } = this.look;
    this.plot = new uPlot(
      {
        width,
        height: 26,
        padding: [0, RIGHT, 0, LEFT],
        cursor: { show: false },
        legend: { show: false },
        scales: { x: { time: false, auto: false }, y: { auto: false } },
        axes: [
          {
            font: theme.font,
            stroke: theme.soft,
            size: 26,
            gap: 4,
            space: 90,
            incrs: TIMES,
            grid: { show: false },
            ticks: { stroke: theme.rule, size: 5, width: 1 },
            border: { show: true, stroke: theme.rule, width: 1 },
            values: (_, splits) => splits.map((at) => clock(at, splits)),
          },
          { show: false },
        ],
        series: [{}, { show: false }],
      },
      [[0], [0]],
      this.host,
    );
  }

  resize(width: number): void {
    this.plot?.setSize({ width, height: 26 });
  }

  draw(): void {
    const { start, end } = this.look.window;
    this.plot?.setScale("x", { min: start, max: end });
  }

  destroy(): void {
    this.plot?.destroy();
    this.plot = null;
  }
}

/** Seconds; where the axis reaches ten minutes, minutes and seconds. */
function clock(at: number, splits: number[]): string {
  const step = splits.length > 1 ? (splits[1] as number) - (splits[0] as number) : 1;
  if (Math.max(...splits.map(Math.abs)) < 600) {
    const digits = step < 1 ? Math.min(4, Math.ceil(-Math.log10(step) - 1e-9)) : 0;
    return `${at.toFixed(digits)} s`;
  }
  const size = Math.round(Math.abs(at));
  const seconds = String(size % 60).padStart(2, "0");
  return `${at < 0 ? "−" : ""}${Math.floor(size / 60)}:${seconds}`;
}
