// Mouse and keys become a few verbs; what they do is the timeline's.
import { LEFT, RIGHT } from "./lane";

export type Mode = "select" | "zoom" | "pan";

export interface Verbs {
  mode(): Mode;
  /** By a factor, around a share of the width; null is the middle. */
  zoom(factor: number, share: number | null): void;
  /** By a share of the width. */
  pan(share: number): void;
  /** What is being dragged over, as shares of the width. */
  drag(from: number, to: number, mode: Mode, ended: boolean): void;
  point(share: number | null): void;
  clear(): void;
  all(): void;
  pause(): void;
  /** Zoom to what is brushed. */
  enter(): void;
  /** Move the brush by a share of the width; `grow` moves its end alone. */
  nudge(share: number, grow: boolean): void;
}

const CLICK_PX = 3;
const STEP = 0.1;

export function listen(
  surface: HTMLElement,
  focus: HTMLElement,
  verbs: Verbs,
  signal: AbortSignal,
): void {
  const share = (event: MouseEvent) => {
    const box = surface.getBoundingClientRect();
    return (event.clientX - box.left - LEFT) / Math.max(1, box.width - LEFT - RIGHT);
  };
  dragging(surface, focus, verbs, share, signal);
  surface.addEventListener("pointermove", (event) => verbs.point(share(event)), { signal });
  surface.addEventListener("pointerleave", () => verbs.point(null), { signal });
  surface.addEventListener("dblclick", () => verbs.all(), { signal });
  surface.addEventListener("wheel", (event) => wheel(event, focus, verbs, share), {
    signal,
    passive: false,
  });
  focus.addEventListener("keydown", (event) => key(event, focus, verbs), { signal });
}

function dragging(
  surface: HTMLElement,
  focus: HTMLElement,
  verbs: Verbs,
  share: (event: MouseEvent) => number,
  signal: AbortSignal,
): void {
  let from: { share: number; x: number; mode: Mode; moved: boolean } | null = null;
  surface.addEventListener(
    "pointerdown",
    (event) => {
      if (event.button !== 0) return;
      focus.focus({ preventScroll: true });
      const mode = event.shiftKey ? "pan" : event.altKey ? "zoom" : verbs.mode();
      from = { share: share(event), x: event.clientX, mode, moved: false };
      surface.setPointerCapture?.(event.pointerId);
      event.preventDefault();
    },
    { signal },
  );
  surface.addEventListener(
    "pointermove",
    (event) => {
      if (!from) return;
      from.moved ||= Math.abs(event.clientX - from.x) > CLICK_PX;
      if (!from.moved) return;
      const at = share(event);
      if (from.mode === "pan") {
        verbs.pan(from.share - at);
        from.share = at;
      } else {
        verbs.drag(from.share, at, from.mode, false);
      }
    },
    { signal },
  );
  const end = (event: PointerEvent) => {
    if (!from) return;
    if (from.moved && from.mode !== "pan") verbs.drag(from.share, share(event), from.mode, true);
    else if (!from.moved && from.mode === "select") verbs.clear();
    from = null;
  };
  surface.addEventListener("pointerup", end, { signal });
  surface.addEventListener("pointercancel", end, { signal });
}

/** A wheel scrolls the notebook, unless the timeline has the focus, or Ctrl or Shift is held. */
function wheel(
  event: WheelEvent,
  focus: HTMLElement,
  verbs: Verbs,
  share: (event: MouseEvent) => number,
): void {
  const mine =
    event.ctrlKey || event.metaKey || event.shiftKey || focus.contains(document.activeElement);
  if (!mine) return;
  event.preventDefault();
  event.stopPropagation();
  const across = event.shiftKey && !event.deltaX ? event.deltaY : event.deltaX;
  if (Math.abs(across) > Math.abs(event.deltaY) || event.shiftKey) verbs.pan(across / 800);
  else verbs.zoom(Math.exp(Math.max(-1, Math.min(1, event.deltaY / 300))), share(event));
}

function key(event: KeyboardEvent, focus: HTMLElement, verbs: Verbs): void {
  if (event.target !== focus || event.ctrlKey || event.metaKey || event.altKey) return;
  const back = event.key === "ArrowLeft";
  const done: Record<string, () => void> = {
    ArrowLeft: () => move(event, back, verbs),
    ArrowRight: () => move(event, back, verbs),
    "+": () => verbs.zoom(0.5, null),
    "=": () => verbs.zoom(0.5, null),
    "-": () => verbs.zoom(2, null),
    "0": () => verbs.all(),
    " ": () => verbs.pause(),
    Enter: () => verbs.enter(),
    Escape: () => verbs.clear(),
    "[": () => verbs.nudge(-STEP / 4, false),
    "]": () => verbs.nudge(STEP / 4, false),
  };
  const act = done[event.key];
  if (!act) return;
  act();
  event.preventDefault();
  event.stopPropagation();
}

function move(event: KeyboardEvent, back: boolean, verbs: Verbs): void {
  const by = back ? -STEP : STEP;
  if (event.shiftKey) verbs.nudge(by / 4, true);
  else verbs.pan(by);
}
