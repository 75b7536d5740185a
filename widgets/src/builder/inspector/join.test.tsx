// What a stage joins: chosen among the stages that lead to it, judged in Python's words.
import { act } from "preact/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Fake } from "../fake";
import type { Fields, Problem } from "../model";
import type { Session } from "../session";
import { joinOf } from "../spec";
import { mount } from "../widget";

// React Flow asks React itself for its hooks here; in the bundle it gets those of Preact.
vi.mock("../canvas", () => ({ Graph: () => null, DRAGGED: "stage" }));

const spec = (both: Fields = {}): Fields => ({
  name: "fan",
  pipelines: {
    p: {
      data: { uses: "a.items" },
      stages: {
        fork: { uses: "a.step", to: ["left", "right"] },
        left: { uses: "a.step", to: "both" },
        right: { uses: "a.step", to: "both" },
        both: { uses: "a.step", ...both },
      },
    },
  },
});

describe("the join of a stage", () => {
  let element: HTMLElement;
  let over: AbortController;

  beforeEach(() => {
    element = document.createElement("div");
    document.body.append(element);
    over = new AbortController();
  });

  afterEach(() => {
    over.abort();
    element.remove();
  });

  function shown(stage: string, both: Fields = {}, problems: Problem[] = []): Session {
    const model = new Fake(spec(both));
    const fields = { join: { type: "array", description: "The stages that it waits for." } };
    model.state.forms = { stage: { properties: fields } };
    model.state.checked = { number: 0, problems };
    let session!: Session;
    void act(() => {
      session = mount(model, element, over.signal);
    });
    void act(() => session.choose({ kind: "stage", pipeline: "p", stage }));
    return session;
  }

  function field(): HTMLElement {
    const [found, ...others] = element.querySelectorAll<HTMLElement>('[aria-label="join"]');
    if (!found || others.length > 0) throw new Error(`${others.length} others are called join`);
    return found;
  }

  const labels = (): HTMLLabelElement[] => [...field().querySelectorAll("label")];

  /** The stages to choose from, and whether each is chosen. */
  const choices = (): [string | null, boolean | undefined][] =>
    labels().map((label) => [label.textContent, label.querySelector("input")?.checked]);

  function click(source: string): void {
    const label = labels().find(({ textContent }) => textContent === source);
    void act(() => label?.click());
  }

  it("is chosen among the stages that lead to it", () => {
    shown("both");
    expect(choices()).toEqual([
      ["left", false],
      ["right", false],
    ]);
    expect(field().textContent).toContain("The stages that it waits for.");
  });

  it("says so where no stage leads to it", () => {
    shown("fork");
    expect(choices()).toEqual([]);
    expect(field().textContent).toContain("no stage leads here");
  });

  it("is a list, gone with its last stage, and undone step by step", () => {
    const session = shown("both");
    const joined = (): string[] => joinOf(session.spec, "p", "both");
    click("right");
    click("left");
    expect(joined()).toEqual(["right", "left"]);
    void act(() => session.undo());
    expect(joined()).toEqual(["right"]);
    expect(choices()).toEqual([
      ["left", false],
      ["right", true],
    ]);
    click("right");
    expect(session.spec).toEqual(spec());
  });

  it("keeps a stage whose edge is gone, with what Python says of it, until it is not wanted", () => {
    const path = ["pipelines", "p", "stages", "both", "join", 0];
    const problem = { path, message: "'fork' has no edge to 'both'", hint: "" };
    const session = shown("both", { join: ["fork", "left"] }, [problem]);
    expect(choices()).toEqual([
      ["left", true],
      ["right", false],
      ["fork", true],
    ]);
    expect(field().textContent).toContain("'fork' has no edge to 'both'");
    click("fork");
    expect(joinOf(session.spec, "p", "both")).toEqual(["left"]);
  });
});
