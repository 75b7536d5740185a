// @vitest-environment jsdom
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Brush } from "./brush";
import type { Look } from "./lane";
import { MadeModel, madeScene } from "./made";
import type { Scene, State } from "./scene";
import { length } from "./view";
import { Viewport } from "./viewport";

const signal = new AbortController().signal;
const ended: Partial<Scene> = { going: false, status: "done" };

function shown(scene: Partial<Scene>, state: Partial<State> = {}, edge = 100) {
  const model = new MadeModel({ scene: madeScene(scene), ...state });
  const look = { window: { start: 0, end: 1 } } as Look;
  const viewport = new Viewport(
    model as never,
    look,
    () => 600,
    () => {},
    signal,
  );
  viewport.reach(edge);
  viewport.adopt();
  return { model, look, viewport };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("the window", () => {
  it("is the last minute of a live run and goes along", () => {
    const { look, viewport } = shown({ going: true });
    expect([viewport.follows, length(look.window)]).toEqual([true, 60]);
    viewport.reach(101);
    viewport.advance(0.25);
    expect(viewport.drawnEdge).toBeGreaterThan(100);
    expect(viewport.drawnEdge).toBeLessThan(101);
  });

  it("is all of a run that has ended, and grows with what is still read of it", () => {
    const { look, viewport } = shown(ended);
    expect(look.window.end).toBeCloseTo(102);
    viewport.reach(200);
    expect(look.window.end).toBeCloseTo(204);
  });

  it("stays where it is when the run ends, unless all of it is shorter", () => {
    const { model, look, viewport } = shown({ going: true }, {}, 200);
    const before = look.window;
    model.set("scene", madeScene(ended));
    viewport.settle();
    expect([look.window, viewport.follows]).toEqual([before, false]);
    const short = shown({ going: true }, {}, 10);
    short.viewport.settle();
    expect(short.look.window.end).toBeCloseTo(10.2);
  });

  it("keeps to the edge while it is zoomed, and is left there by whoever moves it", () => {
    const { look, viewport } = shown({ going: true });
    viewport.zoom(0.5, 0.1);
    viewport.advance(0);
    expect([viewport.follows, length(look.window)]).toEqual([true, 30]);
    viewport.pan(-0.5);
    expect(viewport.follows).toBe(false);
    viewport.follow();
    expect(viewport.follows).toBe(true);
  });

  it("is told to Python once it rests, and what comes back changes nothing", () => {
    const { model, look, viewport } = shown(ended);
    viewport.zoom(0.5, 0.5);
    viewport.zoom(0.5, 0.5);
    const saved = model.saved;
    vi.advanceTimersByTime(100);
    expect(model.saved).toBe(saved + 1);
    const { window } = look;
    viewport.adopt();
    expect(look.window).toBe(window);
    model.set("view", { follow: false, start: 5, seconds: 10 } as never);
    viewport.adopt();
    expect(look.window).toEqual({ start: 5, end: 15 });
  });
});

describe("the brush", () => {
  it("is what was dragged over, whichever way, and inside of what there is", () => {
    const { model, viewport } = shown(ended);
    const brush = new Brush(model as never, viewport, () => {}, signal);
    brush.drag(0.9, 0.1, "select", false);
    brush.draw((share) => share * 100);
    expect([brush.area.hidden, brush.tools.hidden, model.get("brushed")]).toEqual([
      false,
      true,
      [],
    ]);
    brush.drag(1.5, 0.1, "select", true);
    const [start, end] = model.get("brushed");
    expect(start).toBeCloseTo(10.2);
    expect(end).toBe(100);
    brush.draw((share) => share * 100);
    expect(brush.tools.hidden).toBe(false);
    expect(brush.told.textContent).toContain("timeline.selection");
  });

  it("shows what is dragged over with the magnifier, and brushes nothing", () => {
    const { model, look, viewport } = shown(ended);
    const brush = new Brush(model as never, viewport, () => {}, signal);
    brush.drag(0.1, 0.2, "zoom", true);
    expect(length(look.window)).toBeCloseTo(10.2);
    expect(model.get("brushed")).toEqual([]);
  });
});
