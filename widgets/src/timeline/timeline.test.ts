// @vitest-environment jsdom
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { MadeModel, madeScene, sampleFrame } from "./made";

/** How many listeners each target has: what a disposal must leave as it was. */
const counts = new Map<EventTarget, number>();
let frames = new Map<number, FrameRequestCallback>();
let observers = 0;

class Observer {
  constructor() {
    observers += 1;
  }
  observe(): void {}
  disconnect(): void {
    observers -= 1;
  }
}

/** Without the one that uPlot has on an element of its own, which goes with that. */
function listened(): number {
  const ours = [...counts].filter(([target]) => !(target as Element).classList?.contains("u-wrap"));
  return ours.reduce((sum, [, count]) => sum + count, 0);
}

async function mounted(model: MadeModel) {
  const { mount } = await import("./widget");
  const host = document.body.appendChild(document.createElement("div"));
  const over = new AbortController();
  mount(model, host, over.signal);
  return { host, over };
}

function drawn(): void {
  const waiting = [...frames.values()];
  frames.clear();
  for (const call of waiting) call(performance.now());
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  counts.clear();
  frames = new Map();
  observers = 0;
  let number = 0;
  vi.stubGlobal("requestAnimationFrame", (call: FrameRequestCallback) => {
    frames.set(++number, call);
    return number;
  });
  vi.stubGlobal("cancelAnimationFrame", (asked: number) => frames.delete(asked));
  vi.stubGlobal("ResizeObserver", Observer);
  vi.stubGlobal("MutationObserver", Observer);
  vi.stubGlobal("matchMedia", () => ({
    matches: false,
    addEventListener() {},
    removeEventListener() {},
  }));
  vi.stubGlobal(
    "Path2D",
    class {
      moveTo() {}
      lineTo() {}
      rect() {}
      closePath() {}
      addPath() {}
      arc() {}
    },
  );
  const context = new Proxy(
    {},
    {
      get: (_, name) => (name === "measureText" ? () => ({ width: 10 }) : () => undefined),
      set: () => true,
    },
  );
  vi.spyOn(HTMLCanvasElement.prototype, "getContext").mockReturnValue(context as never);
  const add = EventTarget.prototype.addEventListener;
  vi.spyOn(EventTarget.prototype, "addEventListener").mockImplementation(function (
    this: EventTarget,
    type,
    call,
    options,
  ) {
    if (this instanceof Element || this === document) {
      counts.set(this, (counts.get(this) ?? 0) + 1);
      const { signal } = (options ?? {}) as AddEventListenerOptions;
      signal?.addEventListener("abort", () => counts.set(this, (counts.get(this) ?? 0) - 1));
    }
    return add.call(this, type, call as EventListener, options);
  });
  const remove = EventTarget.prototype.removeEventListener;
  vi.spyOn(EventTarget.prototype, "removeEventListener").mockImplementation(function (
    this: EventTarget,
    type,
    call,
    options,
  ) {
    if (this instanceof Element) counts.set(this, (counts.get(this) ?? 0) - 1);
    return remove.call(this, type, call as EventListener, options);
  });
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  document.body.replaceChildren();
});

describe("a timeline that is disposed of", () => {
  it("leaves no listener, timer, frame, observer or element", async () => {
    const model = new MadeModel();
    const { host, over } = await mounted(model);
    drawn();
    expect([model.heard, listened(), observers].every((count) => count > 0)).toBe(true);
    expect(vi.getTimerCount()).toBeGreaterThan(0);
    over.abort();
    expect({ heard: model.heard, listened: listened(), observers }).toEqual({
      heard: 0,
      listened: 0,
      observers: 0,
    });
    expect({
      timers: vi.getTimerCount(),
      frames: frames.size,
      elements: host.childElementCount,
    }).toEqual({ timers: 0, frames: 0, elements: 0 });
  });

  it("draws no more, whatever comes", async () => {
    const model = new MadeModel();
    const { over } = await mounted(model);
    over.abort();
    model.set("tail", sampleFrame({ first: 3, series: { 0: [1], 1: [1] } }));
    expect(frames.size).toBe(0);
  });
});

describe("a timeline of a live run", () => {
  it("goes on drawing by itself, and rests when it is paused", async () => {
    const { host } = await mounted(new MadeModel());
    drawn();
    vi.advanceTimersByTime(70);
    expect(frames.size).toBe(1);
    drawn();
    host.querySelector<HTMLButtonElement>(".mlt-live")?.click();
    drawn();
    vi.advanceTimersByTime(1000);
    drawn();
    vi.advanceTimersByTime(1000);
    expect(frames.size).toBe(0);
  });

  it("says that it was asked to stop, that the kernel is busy, and that it was heard", async () => {
    const model = new MadeModel();
    const { host } = await mounted(model);
    const stop = host.querySelector<HTMLButtonElement>(".mlt-stop");
    stop?.click();
    expect([model.get("stop_asked"), stop?.textContent, stop?.disabled]).toEqual([
      true,
      "Asked…",
      true,
    ]);
    vi.advanceTimersByTime(600);
    expect(stop?.textContent).toBe("Asked; the kernel is busy");
    model.set("stop_heard", true);
    expect(stop?.textContent).toBe("Stopping…");
    model.set("scene", madeScene({ status: "stopped", going: false }));
    expect(stop?.hidden).toBe(true);
  });
});

describe("what a timeline shows", () => {
  it("is text, whatever the names of a spec are", async () => {
    const { host } = await mounted(new MadeModel());
    expect(host.querySelector(".mlt-run")?.textContent).toBe("<b>bench");
    expect(host.querySelector("b, i:not(.mlt-dot)")).toBeNull();
  });

  it("names metric, unit, source and resolution of each lane, and a stand-in", async () => {
    const [lane] = madeScene().lanes;
    const scene = madeScene({ lanes: [{ ...(lane as never as object), stand_in: true } as never] });
    const { host } = await mounted(new MadeModel({ scene }));
    const label = host.querySelector(".mlt-lane .mlt-label")?.textContent;
    expect(label).toBe("host CPU busy%/proc/stat · every 500 mssource: stand-in");
  });

  it("leaves out what is hidden, in every lane", async () => {
    const { host } = await mounted(new MadeModel({ hidden: ["cpu1"] }));
    expect([...host.querySelectorAll(".mlt-name")].map((each) => each.textContent)).toEqual([
      "cpu0",
    ]);
  });
});

it("keys move, zoom and brush, and reach nobody else", async () => {
  const model = new MadeModel({ scene: madeScene({ going: false, status: "done" }) });
  const { host } = await mounted(model);
  const outside = vi.fn();
  document.body.addEventListener("keydown", outside);
  const root = host.querySelector<HTMLElement>(".mlt");
  const press = (key: string) =>
    root?.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  press("]");
  expect(model.get("brushed")).toHaveLength(2);
  press("Escape");
  expect(model.get("brushed")).toEqual([]);
  press("+");
  vi.advanceTimersByTime(100);
  expect(model.get("view").seconds).toBeLessThan(2);
  expect(outside).not.toHaveBeenCalled();
});
