// A timeline in an element of the page: lanes, stages, phases and a brush on one axis of time.

import { h, say } from "../lib/dom";
import { heed } from "../lib/heed";
import { Clock } from "./clock";
import { coloursOf, themeOf } from "./colours";
import { footnotesOf } from "./footnotes";
import { instant } from "./format";
import { decodeSamples, decodeWork, joined, type Samples, type Work } from "./frame";
import { listen, type Mode } from "./gestures";
import { AxisView, LaneView, LEFT, type Look, RIGHT } from "./lane";
import type { Model } from "./model";
import type { Scene } from "./scene";
import { StagesView } from "./stages";
import { StripView } from "./strip";
import { Toolbar } from "./toolbar";
import * as time from "./view";

const LIVE_S = 60;
const ASK_MS = 60;
const KEYS =
  "Arrow keys move the view, plus and minus zoom, 0 shows all, space pauses and follows. " +
  "Square brackets brush and move the brush, Shift and arrows change its end, Enter zooms to it, Escape clears it.";

export class Timeline {
  private readonly look: Look;
  private readonly toolbar: Toolbar;
  private readonly strip: StripView;
  private readonly axis: AxisView;
  private readonly lanesHost = h("div", { class: "mlt-lanes" });
  private readonly stagesHost = h("div", { class: "mlt-lanes" });
  private readonly brush = h("div", { class: "mlt-brush", hidden: true });
  private readonly line = h("div", { class: "mlt-line", hidden: true });
  private readonly surface: HTMLElement;
  private readonly body: HTMLElement;
  private readonly foot = h("div", { class: "mlt-foot" });
  private readonly told = h("span", { class: "mlt-told", "aria-live": "polite" });
  private readonly brushTools: HTMLElement;
  private readonly root: HTMLElement;
  private readonly clock: Clock;
  private lanes: LaneView[] = [];
  private stages: StagesView[] = [];
  private whole: Samples | null = null;
  private samples: Samples | null = null;
  private work: Work | null = null;
  private follows = false;
  private seconds: number | null = null;
  private mode: Mode = "select";
  private edge = 0;
  private shownEdge = 0;
  private pointed: number | null = null;
  private dragged: { from: number; to: number; mode: Mode } | null = null;
  private built = "";
  private isNew = false;
  private width = 0;
  private asking: ReturnType<typeof setTimeout> | undefined;
  private sent = "";

  constructor(
    private readonly model: Model,
    host: HTMLElement,
    private readonly signal: AbortSignal,
  ) {
    this.surface = h("div", { class: "mlt-surface" });
    this.root = h("div", {
      class: "mlt",
      tabindex: 0,
      role: "group",
      "aria-label": "timeline of a run",
      "aria-description": KEYS,
      "data-lm-suppress-shortcuts": "true",
    });
    this.look = {
      window: { start: 0, end: 1 },
      theme: themeOf(host),
      colours: new Map(),
      hidden: new Set(),
    };
    this.toolbar = new Toolbar(this.orders(), signal);
    this.strip = new StripView(this.look, signal);
    this.axis = new AxisView(this.look);
    this.surface.append(this.brush, this.line);
    this.brushTools = this.makeBrushTools();
    this.body = h(
      "div",
      { class: "mlt-body" },
      this.strip.row,
      this.lanesHost,
      this.stagesHost,
      this.axis.row,
      this.surface,
    );
    const below = h("div", { class: "mlt-below" }, this.toolbar.chips, this.told, this.brushTools);
    this.root.append(this.toolbar.element, this.body, below, this.foot);
    host.append(this.root);
    this.clock = new Clock((seconds) => this.draw(seconds), signal);
    this.attach();
    this.takeFrames();
    this.adopt();
    this.takeScene();
  }

  // -- what comes from Python -------------------------------------------------------------

  private attach(): void {
    const { model, signal } = this;
    heed(
      model,
      ["scene", "lanes", "hidden", "stop_asked", "stop_heard"],
      () => this.takeScene(),
      signal,
    );
    heed(model, ["frame", "tail", "work"], () => this.note(), signal);
    heed(model, ["brushed"], () => this.clock.ask(), signal);
    heed(model, ["view"], () => this.adopt(), signal);
    listen(this.surface, this.root, this.verbs(), signal);
    const sizes = new ResizeObserver(() => this.resize());
    sizes.observe(this.body);
    const themes = new MutationObserver(() => this.rebuild());
    themes.observe(document.body, {
      attributes: true,
      attributeFilter: ["data-jp-theme-light", "data-jp-theme-name"],
    });
    signal.addEventListener("abort", () => {
      sizes.disconnect();
      themes.disconnect();
      clearTimeout(this.asking);
      for (const lane of this.lanes) lane.destroy();
      this.axis.destroy();
      this.root.remove();
    });
  }

  private get scene(): Scene | null {
    const scene = this.model.get("scene");
    return scene?.lanes ? scene : null;
  }

  private get bounds(): time.Bounds {
    return { first: this.scene?.first ?? 0, edge: this.follows ? this.shownEdge : this.edge };
  }

  private takeScene(): void {
    const { scene } = this;
    if (!scene) return;
    this.look.hidden = new Set(this.model.get("hidden"));
    if (!scene.going && this.follows) this.settle();
    const shown = this.model.get("lanes");
    const lanes = scene.lanes.filter(({ metric }) => shown.includes(metric));
    const built = JSON.stringify([lanes, scene.pipelines, [...this.look.hidden]]);
    this.strip.take(scene);
    if (built !== this.built) {
      this.built = built;
      this.build(scene, lanes);
    }
    this.tellBar();
    this.footnotes(scene);
    this.clock.ask();
  }

  /** The run has ended: the window stays where it is, and all of it is shown if it was short. */
  private settle(): void {
    this.follows = false;
    this.shownEdge = this.edge;
    const all = time.whole(this.bounds);
    if (this.seconds === null || time.length(all) < time.length(this.look.window)) {
      this.look.window = all;
      this.seconds = null;
    }
    this.ask();
  }

  private build(scene: Scene, lanes: Scene["lanes"]): void {
    for (const lane of this.lanes) lane.destroy();
    this.look.theme = themeOf(this.root);
    this.look.colours = coloursOf(scene, this.look.theme.dark);
    this.lanes = lanes.map((lane) => new LaneView(lane, this.look));
    let row = 0;
    this.stages = scene.pipelines.map((pipeline) => {
      const made = new StagesView(pipeline, row, this.look);
      row += pipeline.rows.length;
      return made;
    });
    this.lanesHost.replaceChildren(...this.lanes.map((lane) => lane.row));
    this.stagesHost.replaceChildren(...this.stages.map((stages) => stages.row));
    this.rebuildPlots();
  }

  private rebuild(): void {
    this.built = "";
    this.takeScene();
  }

  private rebuildPlots(): void {
    this.width = this.strip.row.querySelector(".mlt-plot")?.clientWidth || this.width || 600;
    for (const lane of this.lanes) {
      lane.rebuild(this.width);
      if (this.samples) lane.take(this.samples);
    }
    for (const stages of this.stages) stages.resize(this.width);
    this.axis.rebuild(this.width);
  }

  private resize(): void {
    const width = this.strip.row.querySelector(".mlt-plot")?.clientWidth ?? 0;
    if (!width || width === this.width) return;
    this.width = width;
    for (const view of [...this.lanes, ...this.stages, this.axis]) view.resize(width);
    this.ask();
    this.clock.ask();
  }

  /** Something came: frame, tail and work come together, and are read once, when they are drawn. */
  private note(): void {
    this.isNew = true;
    this.clock.ask();
  }

  private takeFrames(): void {
    this.isNew = false;
    this.whole = decodeSamples(this.model.get("frame"));
    this.samples = joined(this.whole, decodeSamples(this.model.get("tail")));
    this.work = decodeWork(this.model.get("work"));
    if (!this.samples) return;
    this.edge = this.samples.edge;
    if (!this.follows && this.seconds === null) this.look.window = time.whole(this.bounds);
    for (const lane of this.lanes) lane.take(this.samples);
  }

  // -- the window -------------------------------------------------------------------------

  /** Take the view that Python has: the first, or one that somebody set there. */
  private adopt(): void {
    const asked = this.model.get("view") ?? {};
    if (JSON.stringify(asked) === this.sent) return;
    const going = this.scene?.going ?? false;
    this.follows = (asked.follow ?? going) && going;
    this.seconds = asked.seconds !== undefined ? asked.seconds : going ? LIVE_S : null;
    this.shownEdge = this.edge;
    const { start } = asked;
    this.look.window =
      start !== undefined && start !== null && !this.follows && this.seconds !== null
        ? { start, end: start + this.seconds }
        : time.following({ first: this.scene?.first ?? 0, edge: this.edge }, this.seconds);
    this.tellBar();
    this.ask();
    this.clock.ask();
  }

  private show(window: time.Window): void {
    this.follows = false;
    this.look.window = window;
    this.seconds = time.length(window);
    this.tellBar();
    this.ask();
    this.clock.ask();
  }

  /** Ask Python for what is in the window, when it has rested for a moment. */
  private ask(): void {
    clearTimeout(this.asking);
    this.asking = setTimeout(() => {
      const { start } = this.look.window;
      const view = {
        follow: this.follows,
        start,
        seconds: this.seconds,
        pixels: Math.round(this.width),
      };
      this.sent = JSON.stringify(view);
      this.model.set("view", view);
      this.model.save_changes();
    }, ASK_MS);
  }

  private at(share: number): number {
    const { start, end } = this.look.window;
    return start + share * (end - start);
  }

  private follow(): void {
    if (!this.scene?.going) return;
    this.follows = !this.follows;
    this.shownEdge = this.edge;
    if (this.follows && this.seconds !== null) this.seconds = Math.max(this.seconds, 5);
    this.tellBar();
    this.ask();
    this.clock.ask();
  }

  private zoom(factor: number, share: number | null): void {
    if (this.follows) {
      const length = Math.max(time.SHORTEST, time.length(this.look.window) * factor);
      this.seconds = length >= time.length(time.whole(this.bounds)) && factor > 1 ? null : length;
      this.ask();
      this.clock.ask();
      return;
    }
    this.show(time.zoomed(this.look.window, factor, this.at(share ?? 0.5), this.bounds));
  }

  private all(): void {
    if (this.follows) {
      this.seconds = null;
      this.ask();
      this.clock.ask();
    } else {
      this.show(time.whole(this.bounds));
      this.seconds = null;
    }
  }

  // -- what people do ---------------------------------------------------------------------

  private verbs() {
    return {
      mode: () => this.mode,
      zoom: (factor: number, share: number | null) => this.zoom(factor, share),
      pan: (share: number) =>
        this.show(
          time.panned(this.look.window, share * time.length(this.look.window), this.bounds),
        ),
      drag: (from: number, to: number, mode: Mode, ended: boolean) =>
        this.drag(from, to, mode, ended),
      point: (share: number | null) => {
        this.pointed = share !== null && share >= 0 && share <= 1 ? share : null;
        this.clock.ask();
      },
      clear: () => this.brushTo([]),
      all: () => this.all(),
      pause: () => this.follow(),
      enter: () => this.zoomToBrush(),
      nudge: (share: number, grow: boolean) => this.nudge(share, grow),
    };
  }

  private orders() {
    return {
      follow: () => this.follow(),
      zoom: (factor: number) => this.zoom(factor, null),
      all: () => this.all(),
      mode: (mode: Mode) => {
        this.mode = mode;
        this.tellBar();
      },
      lane: (metric: string, shown: boolean) => {
        const kept = this.model.get("lanes").filter((name) => name !== metric);
        this.put("lanes", shown ? [...kept, metric] : kept);
      },
      owner: (name: string, shown: boolean) => {
        const kept = this.model.get("hidden").filter((each) => each !== name);
        this.put("hidden", shown ? kept : [...kept, name]);
      },
      stop: () => this.put("stop_asked", true),
      renew: () => this.tellBar(),
    };
  }

  private put(
    name: "lanes" | "hidden" | "stop_asked" | "brushed",
    value: never | string[] | number[] | boolean,
  ): void {
    this.model.set(name, value as never);
    this.model.save_changes();
    this.takeScene();
  }

  private drag(from: number, to: number, mode: Mode, ended: boolean): void {
    this.dragged = ended ? null : { from, to, mode };
    if (ended) {
      const [start, end] = time.stretch(this.at(from), this.at(to), this.bounds);
      if (end - start < 1e-6) return;
      if (mode === "zoom") this.show(time.inside({ start, end }, this.bounds));
      else this.brushTo([start, end]);
    }
    this.clock.ask();
  }

  private brushTo(brushed: number[]): void {
    this.put("brushed", brushed);
    this.clock.ask();
  }

  private nudge(share: number, grow: boolean): void {
    const [start, end] = this.model.get("brushed");
    const by = share * time.length(this.look.window);
    if (start === undefined || end === undefined) {
      this.brushTo(time.stretch(this.at(0.45), this.at(0.55), this.bounds));
    } else {
      this.brushTo(time.stretch(grow ? start : start + by, end + by, this.bounds));
    }
  }

  private zoomToBrush(): void {
    const [start, end] = this.model.get("brushed");
    if (start !== undefined && end !== undefined)
      this.show(time.inside({ start, end }, this.bounds));
  }

  private makeBrushTools(): HTMLElement {
    const tools = h("span", { class: "mlt-brush-tools", hidden: true });
    const zoom = h("button", { type: "button", class: "mlw-button" }, "Zoom to it");
    const clear = h("button", { type: "button", class: "mlw-button" }, "Clear");
    zoom.addEventListener("click", () => this.zoomToBrush(), { signal: this.signal });
    clear.addEventListener("click", () => this.brushTo([]), { signal: this.signal });
    tools.append(zoom, clear);
    return tools;
  }

  // -- drawing ----------------------------------------------------------------------------

  /** Draw all; whether it goes on by itself. */
  private draw(seconds: number): boolean {
    const { scene } = this;
    if (!scene) return false;
    if (this.isNew) this.takeFrames();
    if (this.follows) {
      this.shownEdge = time.advanced(this.shownEdge, this.edge, seconds);
      this.look.window = time.following(this.bounds, this.seconds);
    }
    this.resize();
    for (const lane of this.lanes) lane.draw();
    for (const stages of this.stages) stages.draw(this.work);
    this.axis.draw();
    this.strip.draw(this.follows ? this.shownEdge : this.edge);
    const at = this.pointed === null ? null : this.at(this.pointed);
    for (const lane of this.lanes) lane.read(at);
    this.marker(at);
    this.brushed();
    this.root.dataset.edge = this.edge.toFixed(3);
    return this.follows && scene.going;
  }

  private inner(share: number): number {
    return LEFT + share * (this.width - LEFT - RIGHT);
  }

  private marker(at: number | null): void {
    this.line.hidden = at === null || this.pointed === null;
    if (at === null || this.pointed === null) return;
    this.line.style.left = `${this.inner(this.pointed)}px`;
    this.line.dataset.at = instant(at, time.length(this.look.window) / 500);
    this.line.classList.toggle("mlt-left", this.pointed > 0.85);
  }

  private brushed(): void {
    const [start, end] = this.dragged
      ? [
          this.at(Math.min(this.dragged.from, this.dragged.to)),
          this.at(Math.max(this.dragged.from, this.dragged.to)),
        ]
      : this.model.get("brushed");
    const known = start !== undefined && end !== undefined;
    this.brush.hidden = !known;
    this.brushTools.hidden = !known || this.dragged !== null;
    if (!known) {
      say(this.told, "");
      return;
    }
    const { window } = this.look;
    const share = (at: number) =>
      Math.min(1, Math.max(0, (at - window.start) / time.length(window)));
    this.brush.style.left = `${this.inner(share(start))}px`;
    this.brush.style.width = `${Math.max(1, this.inner(share(end)) - this.inner(share(start)))}px`;
    this.brush.classList.toggle("mlt-zooming", this.dragged?.mode === "zoom");
    const fine = time.length(window) / 500;
    say(
      this.told,
      `${instant(start, fine)} to ${instant(end, fine)} (${instant(end - start, fine)}) · timeline.selection`,
    );
  }

  private tellBar(): void {
    const { scene, model } = this;
    if (!scene) return;
    this.root.setAttribute("aria-label", `timeline of ${scene.name}, ${scene.status}`);
    this.surface.dataset.mode = this.mode;
    this.toolbar.take(scene, {
      follows: this.follows,
      mode: this.mode,
      shown: new Set(model.get("lanes")),
      hidden: this.look.hidden,
      asked: model.get("stop_asked"),
      heard: model.get("stop_heard"),
      colours: this.look.colours,
    });
  }

  private footnotes(scene: Scene): void {
    const made = footnotesOf(scene);
    const key = made.map((each) => each.textContent).join("\n");
    if (this.foot.dataset.key === key) return;
    this.foot.dataset.key = key;
    this.foot.replaceChildren(...made);
  }
}
