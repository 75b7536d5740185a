// The strip above the lanes: the phases of the run, and the moments that are worth a word.
import { h, say } from "../lib/dom";
import { instant } from "./format";
import { LEFT, type Look, RIGHT } from "./lane";
import type { Scene } from "./scene";

export class StripView {
  readonly row: HTMLElement;
  private readonly host: HTMLElement;
  private readonly note: HTMLElement;
  private phases: { element: HTMLElement; start: number; end: number | null }[] = [];
  private marks: { element: HTMLElement; at: number }[] = [];
  private width = 0;

  constructor(
    private readonly look: Look,
    signal: AbortSignal,
  ) {
    this.host = h("div", { class: "mlt-plot mlt-strip-host" });
    this.note = h("div", { class: "mlt-values mlt-note" });
    this.row = h(
      "div",
      { class: "mlt-strip" },
      h("div", { class: "mlt-label mlt-axis-label" }, "phase"),
      this.host,
      this.note,
    );
    // One listener for all marks: they are made anew whenever the scene changes.
    const tell = (event: Event) => {
      const { text } = (event.target as HTMLElement).dataset;
      if (text !== undefined) say(this.note, text);
    };
    this.host.addEventListener("focusin", tell, { signal });
    this.host.addEventListener("mouseover", tell, { signal });
  }

  take(scene: Scene): void {
    this.phases = scene.phases.map(({ name, start, end }) => ({
      element: h("div", { class: `mlt-phase mlt-phase-${name}`, title: name }, h("span", {}, name)),
      start,
      end,
    }));
    this.marks = scene.marks.map((mark) => {
      const text = `${instant(mark.at, 0.01)}: ${mark.text}`;
      const element = h("button", {
        type: "button",
        class: `mlt-mark mlt-mark-${mark.kind}`,
        title: text,
        "aria-label": text,
        "data-text": mark.text,
      });
      return { element, at: mark.at };
    });
    this.host.replaceChildren(...[...this.phases, ...this.marks].map(({ element }) => element));
  }

  draw(edge: number): void {
    // While the page changes its theme, nothing has a width for a moment.
    this.width = this.host.clientWidth || this.width;
    const { width } = this;
    const inner = width - LEFT - RIGHT;
    const { start, end } = this.look.window;
    const place = (at: number) => LEFT + ((at - start) / (end - start)) * inner;
    for (const phase of this.phases) {
      const left = Math.max(LEFT, place(phase.start));
      const right = Math.min(width - RIGHT, place(phase.end ?? edge));
      phase.element.style.display = right > left ? "" : "none";
      phase.element.style.left = `${left}px`;
      phase.element.style.width = `${Math.max(1, right - left - 1)}px`;
      phase.element.classList.toggle("mlt-narrow", right - left < 46);
    }
    for (const { element, at } of this.marks) {
      const left = place(at);
      element.style.display = left >= LEFT - 1 && left <= width - RIGHT + 1 ? "" : "none";
      element.style.left = `${left}px`;
    }
  }
}
