// The brush: a stretch of time that somebody has chosen, over the lanes and in words below them.

import { h, say } from "../lib/dom";
import { instant } from "./format";
import type { Mode } from "./gestures";
import type { Model } from "./model";
import * as time from "./view";
import type { Viewport } from "./viewport";

export class Brush {
  readonly area = h("div", { class: "mlt-brush", hidden: true });
  readonly told = h("span", { class: "mlt-told", "aria-live": "polite" });
  readonly tools = h("span", { class: "mlt-brush-tools", hidden: true });
  private dragged: { from: number; to: number; mode: Mode } | null = null;

  constructor(
    private readonly model: Model,
    private readonly viewport: Viewport,
    private readonly changed: () => void,
    signal: AbortSignal,
  ) {
    const zoom = h("button", { type: "button", class: "mlw-button" }, "Zoom to it");
    const clear = h("button", { type: "button", class: "mlw-button" }, "Clear");
    zoom.addEventListener("click", () => this.enter(), { signal });
    clear.addEventListener("click", () => this.clear(), { signal });
    this.tools.append(zoom, clear);
  }

  clear(): void {
    this.put([]);
  }

  /** Zoom to it. */
  enter(): void {
    const [start, end] = this.model.get("brushed");
    if (start !== undefined && end !== undefined)
      this.viewport.show(time.inside({ start, end }, this.viewport.bounds));
  }

  /** Move it by a share of the width; `grow` moves its end alone. */
  nudge(share: number, grow: boolean): void {
    const { viewport } = this;
    const [start, end] = this.model.get("brushed");
    const by = share * time.length(viewport.window);
    if (start === undefined || end === undefined)
      this.put(time.stretch(viewport.at(0.45), viewport.at(0.55), viewport.bounds));
    else this.put(time.stretch(grow ? start : start + by, end + by, viewport.bounds));
  }

  /** What is being dragged over, as shares of the width. */
  drag(from: number, to: number, mode: Mode, ended: boolean): void {
    this.dragged = ended ? null : { from, to, mode };
    if (!ended) {
      this.changed();
      return;
    }
    const { viewport } = this;
    const [start, end] = time.stretch(viewport.at(from), viewport.at(to), viewport.bounds);
    if (end - start < 1e-6) this.changed();
    else if (mode === "zoom") viewport.show(time.inside({ start, end }, viewport.bounds));
    else this.put([start, end]);
  }

  /** Draw it, with what is at a share of the width `inner(share)` pixels from the left. */
  draw(inner: (share: number) => number): void {
    const [start, end] = this.stretch;
    const isThere = start !== undefined && end !== undefined;
    this.area.hidden = !isThere;
    this.tools.hidden = !isThere || this.dragged !== null;
    if (!isThere) {
      say(this.told, "");
      return;
    }
    const { window } = this.viewport;
    const span = time.length(window);
    const place = (at: number) => inner(Math.min(1, Math.max(0, (at - window.start) / span)));
    this.area.style.left = `${place(start)}px`;
    this.area.style.width = `${Math.max(1, place(end) - place(start))}px`;
    this.area.classList.toggle("mlt-zooming", this.dragged?.mode === "zoom");
    const [from, to, length] = [start, end, end - start].map((s) => instant(s, span / 500));
    say(this.told, `${from} to ${to} (${length}) · timeline.selection`);
  }

  private get stretch(): number[] {
    if (!this.dragged) return this.model.get("brushed");
    const { from, to } = this.dragged;
    return [this.viewport.at(Math.min(from, to)), this.viewport.at(Math.max(from, to))];
  }

  private put(brushed: number[]): void {
    this.model.set("brushed", brushed);
    this.model.save_changes();
    this.changed();
  }
}
