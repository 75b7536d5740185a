// A timeline in an element of the page: lanes, stages, phases and a brush on one axis of time.

import { h } from "../lib/dom";
import { heed } from "../lib/heed";
import { Brush } from "./brush";
import { Clock } from "./clock";
import { coloursOf, themeOf } from "./colours";
import { footnotesOf } from "./footnotes";
import { instant } from "./format";
import { decodeSamples, decodeWork, joined, type Samples, type Work } from "./frame";
import { listen, type Mode, type Verbs } from "./gestures";
import { AxisView, LaneView, LEFT, type Look, RIGHT } from "./lane";
import type { Model } from "./model";
import type { Scene } from "./scene";
import { StagesView } from "./stages";
import { StripView } from "./strip";
import { Toolbar } from "./toolbar";
import { length } from "./view";
import { Viewport } from "./viewport";

const KEYS =
  "Arrow keys move the view, plus and minus zoom, 0 shows all, space pauses and follows. " +
  "Square brackets brush and move the brush, Shift and arrows change its end, Enter zooms to it, Escape clears it.";

export class Timeline {
  private readonly look: Look;
  private readonly viewport: Viewport;
  private readonly brush: Brush;
  private readonly toolbar: Toolbar;
  private readonly strip: StripView;
  private readonly axis: AxisView;
  private readonly lanesHost = h("div", { class: "mlt-lanes" });
  private readonly stagesHost = h("div", { class: "mlt-lanes" });
  private readonly line = h("div", { class: "mlt-line", hidden: true });
  private readonly surface: HTMLElement;
  private readonly body: HTMLElement;
  private readonly foot = h("div", { class: "mlt-foot" });
  private readonly root: HTMLElement;
  private readonly clock: Clock;
  private lanes: LaneView[] = [];
  private stages: StagesView[] = [];
  private whole: Samples | null = null;
  private samples: Samples | null = null;
  private work: Work | null = null;
  private mode: Mode = "select";
  private pointed: number | null = null;
  private built = "";
  private isNew = false;
  private width = 0;

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
    const moved = () => {
      this.tellBar();
      this.clock.ask();
    };
    this.viewport = new Viewport(model, this.look, () => this.width, moved, signal);
    this.brush = new Brush(model, this.viewport, () => this.clock.ask(), signal);
    this.toolbar = new Toolbar(this.orders(), signal);
    this.strip = new StripView(this.look, signal);
    this.axis = new AxisView(this.look);
    this.surface.append(this.brush.area, this.line);
    this.body = h(
      "div",
      { class: "mlt-body" },
      this.strip.row,
      this.lanesHost,
      this.stagesHost,
      this.axis.row,
      this.surface,
    );
    const { told, tools } = this.brush;
    const below = h("div", { class: "mlt-below" }, this.toolbar.chips, told, tools);
    this.root.append(this.toolbar.element, this.body, below, this.foot);
    host.append(this.root);
    this.clock = new Clock((seconds) => this.draw(seconds), signal);
    this.attach();
    this.takeFrames();
    this.viewport.adopt();
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
    heed(model, ["view"], () => this.viewport.adopt(), signal);
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
      for (const lane of this.lanes) lane.destroy();
      this.axis.destroy();
      this.root.remove();
    });
  }

  private get scene(): Scene | null {
    const scene = this.model.get("scene");
    return scene?.lanes ? scene : null;
  }

  private takeScene(): void {
    const { scene } = this;
    if (!scene) return;
    this.look.hidden = new Set(this.model.get("hidden"));
    if (!scene.going) this.viewport.settle();
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
    this.viewport.ask();
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
    this.viewport.reach(this.samples.edge);
    for (const lane of this.lanes) lane.take(this.samples);
  }

  // -- what people do ---------------------------------------------------------------------

  private verbs(): Verbs {
    const { viewport, brush } = this;
    return {
      mode: () => this.mode,
      zoom: (factor, share) => viewport.zoom(factor, share),
      pan: (share) => viewport.pan(share),
      drag: (from, to, mode, ended) => brush.drag(from, to, mode, ended),
      point: (share) => {
        this.pointed = share !== null && share >= 0 && share <= 1 ? share : null;
        this.clock.ask();
      },
      clear: () => brush.clear(),
      all: () => viewport.all(),
      pause: () => viewport.follow(),
      enter: () => brush.enter(),
      nudge: (share, grow) => brush.nudge(share, grow),
    };
  }

  private orders() {
    return {
      follow: () => this.viewport.follow(),
      zoom: (factor: number) => this.viewport.zoom(factor, null),
      all: () => this.viewport.all(),
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

  private put(name: "lanes" | "hidden" | "stop_asked", value: string[] | boolean): void {
    this.model.set(name, value as never);
    this.model.save_changes();
    this.takeScene();
  }

  // -- drawing ----------------------------------------------------------------------------

  /** Draw all; whether it goes on by itself. */
  private draw(seconds: number): boolean {
    const { scene } = this;
    if (!scene) return false;
    if (this.isNew) this.takeFrames();
    this.viewport.advance(seconds);
    this.resize();
    for (const lane of this.lanes) lane.draw();
    for (const stages of this.stages) stages.draw(this.work);
    this.axis.draw();
    this.strip.draw(this.viewport.drawnEdge);
    const at = this.pointed === null ? null : this.viewport.at(this.pointed);
    for (const lane of this.lanes) lane.read(at);
    this.marker(at);
    this.brush.draw((share) => this.inner(share));
    this.root.dataset.edge = this.viewport.edge.toFixed(3);
    return this.viewport.follows && scene.going;
  }

  private inner(share: number): number {
    return LEFT + share * (this.width - LEFT - RIGHT);
  }

  private marker(at: number | null): void {
    this.line.hidden = at === null || this.pointed === null;
    if (at === null || this.pointed === null) return;
    this.line.style.left = `${this.inner(this.pointed)}px`;
    this.line.dataset.at = instant(at, length(this.look.window) / 500);
    this.line.classList.toggle("mlt-left", this.pointed > 0.85);
  }

  private tellBar(): void {
    const { scene, model } = this;
    if (!scene) return;
    this.root.setAttribute("aria-label", `timeline of ${scene.name}, ${scene.status}`);
    this.surface.dataset.mode = this.mode;
    this.toolbar.take(scene, {
      follows: this.viewport.follows,
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
