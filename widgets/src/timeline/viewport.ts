// Which part of the run is shown: it goes with the live edge, or stays where somebody has put it.

import type { Look } from "./lane";
import type { Model } from "./model";
import * as time from "./view";

const LIVE_S = 60;
const LIVE_SHORTEST_S = 5;
const ASK_MS = 60;

export class Viewport {
  /** Where the samples end, s. */
  edge = 0;
  private shownEdge = 0;
  private goesAlong = false;
  private seconds: number | null = null;
  private asking: ReturnType<typeof setTimeout> | undefined;
  private sent = "";

  constructor(
    private readonly model: Model,
    private readonly look: Look,
    private readonly pixels: () => number,
    private readonly changed: () => void,
    signal: AbortSignal,
  ) {
    signal.addEventListener("abort", () => clearTimeout(this.asking));
  }

  get follows(): boolean {
    return this.goesAlong;
  }

  get window(): time.Window {
    return this.look.window;
  }

  /** The edge as it is drawn. */
  get drawnEdge(): number {
    return this.goesAlong ? this.shownEdge : this.edge;
  }

  get bounds(): time.Bounds {
    return { first: this.model.get("scene")?.first ?? 0, edge: this.drawnEdge };
  }

  private get going(): boolean {
    return this.model.get("scene")?.going ?? false;
  }

  /** The instant at a share of the width. */
  at(share: number): number {
    const { start, end } = this.window;
    return start + share * (end - start);
  }

  /** Samples came, as far as this. */
  reach(edge: number): void {
    this.edge = edge;
    if (!this.goesAlong && this.seconds === null) this.look.window = time.whole(this.bounds);
  }

  /** Let the edge run on with the clock. */
  advance(seconds: number): void {
    if (!this.goesAlong) return;
    this.shownEdge = time.advanced(this.shownEdge, this.edge, seconds);
    this.look.window = time.following(this.bounds, this.seconds);
  }

  /** The run has ended: the window stays where it is, and all of it is shown if it was short. */
  settle(): void {
    if (!this.goesAlong) return;
    this.goesAlong = false;
    this.shownEdge = this.edge;
    const all = time.whole(this.bounds);
    if (this.seconds === null || time.length(all) < time.length(this.window)) {
      this.look.window = all;
      this.seconds = null;
    }
    this.ask();
  }

  /** Take the view that Python has: the first, or one that somebody set there. */
  adopt(): void {
    const asked = this.model.get("view") ?? {};
    if (JSON.stringify(asked) === this.sent) return;
    const { going } = this;
    this.goesAlong = (asked.follow ?? going) && going;
    this.seconds = asked.seconds !== undefined ? asked.seconds : going ? LIVE_S : null;
    this.shownEdge = this.edge;
    const { start } = asked;
    this.look.window =
      start !== undefined && start !== null && !this.goesAlong && this.seconds !== null
        ? { start, end: start + this.seconds }
        : time.following({ ...this.bounds, edge: this.edge }, this.seconds);
    this.tell();
  }

  show(window: time.Window): void {
    this.goesAlong = false;
    this.look.window = window;
    this.seconds = time.length(window);
    this.tell();
  }

  /** Go with the edge, or pause. */
  follow(): void {
    if (!this.going) return;
    this.goesAlong = !this.goesAlong;
    this.shownEdge = this.edge;
    if (this.goesAlong && this.seconds !== null)
      this.seconds = Math.max(this.seconds, LIVE_SHORTEST_S);
    this.tell();
  }

  /** By a factor, around a share of the width; null is the middle. */
  zoom(factor: number, share: number | null): void {
    if (!this.goesAlong) {
      this.show(time.zoomed(this.window, factor, this.at(share ?? 0.5), this.bounds));
      return;
    }
    const length = Math.max(time.SHORTEST, time.length(this.window) * factor);
    this.seconds = length >= time.length(time.whole(this.bounds)) && factor > 1 ? null : length;
    this.tell();
  }

  /** By a share of the width. */
  pan(share: number): void {
    this.show(time.panned(this.window, share * time.length(this.window), this.bounds));
  }

  all(): void {
    if (!this.goesAlong) this.show(time.whole(this.bounds));
    this.seconds = null;
    this.tell();
  }

  /** Ask Python for what is in the window, when it has rested for a moment. */
  ask(): void {
    clearTimeout(this.asking);
    this.asking = setTimeout(() => {
      const { start } = this.window;
      const pixels = Math.round(this.pixels());
      const view = { follow: this.goesAlong, start, seconds: this.seconds, pixels };
      this.sent = JSON.stringify(view);
      this.model.set("view", view);
      this.model.save_changes();
    }, ASK_MS);
  }

  private tell(): void {
    this.ask();
    this.changed();
  }
}
