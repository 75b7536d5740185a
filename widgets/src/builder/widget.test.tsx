// The builder on a page: names are text, Python's words are shown, and nothing stays behind.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Fake } from "./fake";
import type { Fields } from "./model";
import { mount } from "./widget";

// React Flow asks React itself for its hooks here; in the bundle it gets those of Preact.
vi.mock("./canvas", () => ({ Graph: () => null, DRAGGED: "stage" }));

const NAME = `<script>alert("x")</script> "quoted" 🦊`;

const spec = (): Fields => ({
  name: NAME,
  pipelines: {
    [NAME]: {
      data: { uses: "a.items" },
      stages: { [NAME]: { uses: "a.step" }, other: { uses: "a.text" } },
    },
  },
});

describe("the builder", () => {
  let element: HTMLElement;
  let over: AbortController;
  let model: Fake;

  beforeEach(() => {
    element = document.createElement("div");
    document.body.append(element);
    over = new AbortController();
    model = new Fake(spec());
  });

  afterEach(() => {
    over.abort();
    element.remove();
  });

  it("shows names as text", () => {
    const session = mount(model, element, over.signal);
    session.show("table");
    return vi.waitFor(() => {
      expect(element.textContent).toContain(NAME);
      expect(element.querySelector("script")).toBeNull();
    });
  });

  it("refuses a connection in Python's words and leaves the spec as it is", () => {
    const session = mount(model, element, over.signal);
    const before = session.spec;
    expect(session.connect(NAME, NAME, "other")).toBe(false);
    expect(session.said).toBe("Refused: a.step gives int, but a.text takes str");
    expect(session.spec).toBe(before);
  });

  it("sends each edit with the next number, and takes back the last one", () => {
    const session = mount(model, element, over.signal);
    session.edit({ ...session.spec, seed: 5 });
    expect(model.state.canvas).toMatchObject({ number: 1, by: "browser", spec: { seed: 5 } });
    session.undo();
    expect(model.state.canvas).toMatchObject({ number: 2, by: "browser" });
    expect(model.state.canvas.spec).not.toHaveProperty("seed");
  });

  it("takes what Python sets as one step", () => {
    const session = mount(model, element, over.signal);
    const before = session.spec;
    model.says({ number: 1, by: "python", spec: { name: "new", pipelines: {} } });
    expect(session.spec).toEqual({ name: "new", pipelines: {} });
    expect(model.state.canvas.by).toBe("python");
    session.undo();
    expect(session.spec).toBe(before);
  });

  it("keeps what Python set before it had heard of the last edit", () => {
    const session = mount(model, element, over.signal);
    session.edit({ ...session.spec, seed: 5 });
    model.says({ number: 1, by: "python", spec: { name: "late", pipelines: {} } });
    expect(session.spec).toEqual({ name: "late", pipelines: {} });
    expect(model.state.canvas).toMatchObject({ number: 2, by: "browser", spec: { name: "late" } });
  });

  it("follows another view of the same builder", () => {
    const one = mount(model, element, over.signal);
    const place = document.createElement("div");
    const two = mount(model, place, over.signal);
    one.edit({ ...one.spec, seed: 5 });
    expect(two.spec).toMatchObject({ seed: 5 });
    two.edit({ ...two.spec, seed: 6 });
    expect(one.spec).toMatchObject({ seed: 6 });
  });

  it("leaves no listener behind", () => {
    const added = vi.spyOn(window, "addEventListener");
    const removed = vi.spyOn(window, "removeEventListener");
    mount(model, element, over.signal);
    expect(model.listeners).toBeGreaterThan(0);
    over.abort();
    expect(model.listeners).toBe(0);
    expect(element.childNodes.length).toBe(0);
    expect(removed.mock.calls.length).toBeGreaterThanOrEqual(added.mock.calls.length);
  });
});
