// The bar above the lanes: what run it is and how it goes, and what can be done with the view.
import { button, h, say } from "../lib/dom";
import type { Mode } from "./gestures";
import { type Lane, owner, type Scene } from "./scene";

export interface Orders {
  follow(): void;
  zoom(factor: number): void;
  all(): void;
  mode(mode: Mode): void;
  lane(metric: string, shown: boolean): void;
  owner(name: string, shown: boolean): void;
  stop(): void;
  /** Say again how things stand. */
  renew(): void;
}

const ANSWER_MS = 500;

/** What the bar shows of the view. */
export interface Now {
  follows: boolean;
  mode: Mode;
  shown: ReadonlySet<string>;
  hidden: ReadonlySet<string>;
  asked: boolean;
  heard: boolean;
  colours: Map<string, string>;
}

const MODES: [Mode, string, string][] = [
  ["select", "Select", "Drag brushes a stretch, which timeline.selection has in Python"],
  ["zoom", "Zoom", "Drag zooms to a stretch (also Alt and drag)"],
  ["pan", "Pan", "Drag moves the view (also Shift and drag)"],
];

export class Toolbar {
  readonly element: HTMLElement;
  private readonly name = h("span", { class: "mlt-run" });
  private readonly status = h("span", { class: "mlt-pill", role: "status" });
  private readonly verdict = h("span", { class: "mlt-pill" });
  private readonly live: HTMLButtonElement;
  private readonly stop: HTMLButtonElement;
  private readonly modes = new Map<Mode, HTMLButtonElement>();
  private readonly lanes = h("div", { class: "mlt-menu-list" });
  private readonly owners = h("div", {
    class: "mlt-owners",
    role: "group",
    "aria-label": "devices and pipelines",
  });
  private readonly menu: HTMLDetailsElement;
  private menuKey = "";
  private ownersKey = "";
  private askedAt = 0;

  constructor(
    private readonly orders: Orders,
    private readonly signal: AbortSignal,
  ) {
    this.live = button(
      "",
      "Follow the live edge (space)",
      () => orders.follow(),
      signal,
      "mlt-live",
    );
    this.stop = button("Stop", "Ask the run to stop", () => this.ask(), signal, "mlt-stop");
    const modes = MODES.map(([mode, text, title]) => {
      const made = button(text, title, () => orders.mode(mode), signal);
      this.modes.set(mode, made);
      return made;
    });
    this.menu = h(
      "details",
      { class: "mlt-menu" },
      h("summary", { class: "mlw-button" }, "Lanes"),
      this.lanes,
    );
    // One listener for each list, whose parts are made anew whenever it changes.
    this.lanes.addEventListener("change", (event) => this.tick(event), { signal });
    this.owners.addEventListener("click", (event) => this.press(event), { signal });
    document.addEventListener("pointerdown", (event) => this.away(event), { signal });
    this.menu.addEventListener("keydown", (event) => this.escape(event), { signal });
    this.element = h(
      "div",
      { class: "mlt-bar" },
      h("div", { class: "mlt-who" }, this.name, this.status, this.verdict),
      h(
        "div",
        { class: "mlt-tools", role: "toolbar", "aria-label": "view" },
        this.live,
        h(
          "span",
          { class: "mlt-segment", role: "group", "aria-label": "what dragging does" },
          ...modes,
        ),
        h(
          "span",
          { class: "mlt-segment" },
          button("−", "Zoom out (-)", () => orders.zoom(2), signal),
          button("+", "Zoom in (+)", () => orders.zoom(0.5), signal),
          button("All", "Show all of it (0)", () => orders.all(), signal),
        ),
        this.menu,
        this.stop,
      ),
    );
  }

  /** The chips that hide and show a device or a pipeline, for a place of their own. */
  get chips(): HTMLElement {
    return this.owners;
  }

  take(scene: Scene, now: Now): void {
    say(this.name, scene.name);
    this.name.title = scene.id;
    say(this.status, scene.going ? `${scene.status} ●` : scene.status);
    this.status.className = `mlt-pill mlt-status-${scene.going ? "going" : scene.status}`;
    say(this.verdict, scene.verdict ?? "");
    this.verdict.className = `mlt-pill mlt-verdict-${scene.verdict ?? "none"}`;
    this.live.hidden = !scene.going;
    say(this.live, now.follows ? "Pause" : "Follow");
    this.live.setAttribute("aria-pressed", String(now.follows));
    for (const [mode, made] of this.modes)
      made.setAttribute("aria-pressed", String(mode === now.mode));
    this.stopButton(scene, now);
    this.laneList(scene.lanes, now);
    this.ownerChips(scene, now);
  }

  private stopButton(scene: Scene, now: Now): void {
    this.stop.hidden = !scene.going;
    this.stop.disabled = now.asked;
    const late = performance.now() - this.askedAt > ANSWER_MS;
    const waiting = now.heard ? "Stopping…" : late ? "Asked; the kernel is busy" : "Asked…";
    say(this.stop, now.asked ? waiting : "Stop");
  }

  private laneList(lanes: Lane[], now: Now): void {
    const key = JSON.stringify([lanes.map(({ metric, unit }) => [metric, unit]), [...now.shown]]);
    if (key === this.menuKey) return;
    this.menuKey = key;
    const focused = this.lanes.querySelector<HTMLInputElement>("input:focus")?.name;
    this.lanes.replaceChildren(
      ...lanes.map((lane) => {
        const box = h("input", {
          type: "checkbox",
          name: lane.metric,
          checked: now.shown.has(lane.metric),
        });
        const stand = lane.stand_in ? " · stand-in" : "";
        const what = h("span", { class: "mlt-soft" }, `${lane.unit}${stand}`);
        return h("label", { title: lane.meaning }, box, h("span", {}, lane.title), what);
      }),
    );
    if (focused)
      this.lanes.querySelector<HTMLInputElement>(`input[name="${CSS.escape(focused)}"]`)?.focus();
  }

  private ownerChips(scene: Scene, now: Now): void {
    const names = [...new Set(scene.lanes.flatMap((lane) => lane.series.map(owner)))];
    const shown = names.filter((name) => name !== "machine");
    const key = JSON.stringify([shown, [...now.hidden], [...now.colours]]);
    if (key === this.ownersKey) return;
    this.ownersKey = key;
    this.owners.replaceChildren(
      ...shown.map((name) => {
        const on = !now.hidden.has(name);
        const dot = h("i", { class: "mlt-dot", style: `--dot:${now.colours.get(name) ?? "gray"}` });
        return h(
          "button",
          {
            type: "button",
            class: "mlt-chip",
            "data-owner": name,
            "aria-pressed": String(on),
            title: `Show or hide ${name}`,
          },
          dot,
          name,
        );
      }),
    );
  }

  /** Ask for the stop; a kernel that does not answer soon is busy with a cell. */
  private ask(): void {
    this.askedAt = performance.now();
    const timer = setTimeout(() => this.orders.renew(), ANSWER_MS + 50);
    this.signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
    this.orders.stop();
  }

  private tick(event: Event): void {
    const box = event.target as HTMLInputElement;
    this.orders.lane(box.name, box.checked);
  }

  private press(event: Event): void {
    const chip = (event.target as Element).closest<HTMLElement>(".mlt-chip");
    const name = chip?.dataset.owner;
    if (name !== undefined) this.orders.owner(name, chip?.getAttribute("aria-pressed") !== "true");
  }

  private away(event: Event): void {
    if (this.menu.open && !this.menu.contains(event.target as Node)) this.menu.open = false;
  }

  private escape(event: KeyboardEvent): void {
    if (event.key !== "Escape" || !this.menu.open) return;
    this.menu.open = false;
    this.menu.querySelector("summary")?.focus();
    event.stopPropagation();
  }
}
