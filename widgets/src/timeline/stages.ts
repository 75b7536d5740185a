// What the stages of one pipeline did: a row each, as shares of time or span by span.

import { h } from "../lib/dom";
import { faint, onGround } from "./colours";
import type { Work } from "./frame";
import { LEFT, type Look, RIGHT } from "./lane";
import type { Pipeline } from "./scene";

const ROW = 17;
const BAR = 12;
const TOP = 6;
const DONE = 0;

export class StagesView {
  readonly row: HTMLElement;
  private readonly canvas: HTMLCanvasElement;
  private width = 0;

  /** `firstRow` is where its rows begin among those of all pipelines. */
  constructor(
    readonly pipeline: Pipeline,
    private readonly firstRow: number,
    private readonly look: Look,
  ) {
    this.canvas = h("canvas", {
      role: "img",
      "aria-label": `stages of ${pipeline.name} over time`,
    });
    const names = pipeline.rows.map(({ stage }) =>
      h("div", { class: "mlt-stage", title: stage }, stage),
    );
    const dot = h("i", { class: "mlt-dot", style: `--dot:${this.colour()}` });
    const title = h("div", { class: "mlt-title" }, dot, h("span", {}, pipeline.name));
    const label = h(
      "div",
      { class: "mlt-label mlt-stages-label" },
      title,
      h("div", { class: "mlt-stage-names" }, ...names),
    );
    const host = h("div", { class: "mlt-plot" }, this.canvas);
    this.row = h(
      "div",
      { class: "mlt-lane mlt-stages", "data-pipeline": pipeline.name },
      label,
      host,
      h("div", { class: "mlt-values" }),
    );
  }

  private colour(): string {
    return (
      this.look.colours.get(this.pipeline.name) ??
      onGround(this.pipeline.colour, this.look.theme.dark)
    );
  }

  private get height(): number {
    return TOP + ROW * this.pipeline.rows.length + 2;
  }

  resize(width: number): void {
    const scale = window.devicePixelRatio || 1;
    this.width = width;
    this.canvas.width = Math.round(width * scale);
    this.canvas.height = Math.round(this.height * scale);
    this.canvas.style.width = `${width}px`;
    this.canvas.style.height = `${this.height}px`;
  }

  draw(work: Work | null): void {
    const context = this.canvas.getContext("2d");
    if (!context) return;
    const scale = window.devicePixelRatio || 1;
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, this.width, this.height);
    context.fillStyle = this.look.theme.rule;
    this.pipeline.rows.forEach((_, row) => {
      context.fillRect(LEFT, this.floor(row), this.width - LEFT - RIGHT, 1);
    });
    if (!work) return;
    context.save();
    context.beginPath();
    context.rect(LEFT, 0, this.width - LEFT - RIGHT, this.height);
    context.clip();
    if (work.kind === "spans") this.spans(context, work);
    else this.shares(context, work);
    context.restore();
  }

  private floor(row: number): number {
    return TOP + ROW * row + BAR;
  }

  private place(at: number): number {
    const { start, end } = this.look.window;
    return LEFT + ((at - start) / (end - start)) * (this.width - LEFT - RIGHT);
  }

  private spans(context: CanvasRenderingContext2D, work: Extract<Work, { kind: "spans" }>): void {
    const colour = this.colour();
    for (let each = 0; each < work.count; each++) {
      const row = (work.row[each] as number) - this.firstRow;
      if (row < 0 || row >= this.pipeline.rows.length) continue;
      const start = work.origin + (work.start[each] as number);
      const left = this.place(start);
      const right = this.place(start + (work.length[each] as number));
      if (right < LEFT || left > this.width) continue;
      const failed = work.outcome[each] !== DONE;
      context.fillStyle = failed ? this.look.theme.bad : faint(colour, 0.82);
      context.fillRect(left, this.floor(row) - BAR, Math.max(1, right - left - 0.5), BAR);
    }
  }

  private shares(context: CanvasRenderingContext2D, work: Extract<Work, { kind: "shares" }>): void {
    context.fillStyle = faint(this.colour(), 0.82);
    this.pipeline.rows.forEach((_, row) => {
      const at = this.firstRow + row;
      for (let bin = 0; bin < work.count; bin++) {
        const level = work.levels[at * work.count + bin] ?? 0;
        if (level === 0) continue;
        const left = this.place((work.first + bin) * work.width);
        const right = this.place((work.first + bin + 1) * work.width);
        if (right < LEFT || left > this.width) continue;
        const height = Math.max(1, (BAR * level) / 255);
        context.fillRect(left, this.floor(row) - height, right - left + 0.3, height);
      }
    });
  }
}
