// What is typed stays while Python answers, until it is read.
import { act } from "preact/test-utils";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Fake } from "./fake";
import type { Fields } from "./model";
import type { Session } from "./session";
import { stagesOf } from "./spec";
import { mount } from "./widget";

// React Flow asks React itself for its hooks here; in the bundle it gets those of Preact.
vi.mock("./canvas", () => ({ Graph: () => null, DRAGGED: "stage" }));

const spec = (): Fields => ({
  name: "two",
  pipelines: {
    p: { stages: { first: { uses: "a.step" }, second: { uses: "a.step" } } },
  },
});

describe("a field that is typed into", () => {
  let element: HTMLElement;
  let over: AbortController;
  let model: Fake;
  let session: Session;

  beforeEach(() => {
    element = document.createElement("div");
    document.body.append(element);
    over = new AbortController();
    model = new Fake(spec());
    model.state.forms = { stage: { properties: { seconds: { type: "number" } } } };
    void act(() => {
      session = mount(model, element, over.signal);
    });
    void act(() => session.choose({ kind: "stage", pipeline: "p", stage: "first" }));
  });

  afterEach(() => {
    over.abort();
    element.remove();
  });

  function field(label: string): HTMLInputElement {
    const found = element.querySelector<HTMLInputElement>(`input[aria-label="${label}"]`);
    if (!found) throw new Error(`no field is called ${label}`);
    return found;
  }

  function type(label: string, text: string): void {
    void act(() => {
      field(label).value = text;
      field(label).dispatchEvent(new Event("input", { bubbles: true }));
    });
  }

  /** Leave a field, as Enter does too. */
  function leave(label: string): void {
    void act(() => {
      field(label).dispatchEvent(new Event("change", { bubbles: true }));
    });
  }

  const answer = (): void =>
    void act(() => model.set("checked", { number: 0, problems: [], yaml: "", python: "" }));

  const names = (): string[] => Object.keys(stagesOf(session.spec, "p"));

  it("keeps a name while Python answers", () => {
    type("name of the stage", "turn");
    answer();
    expect(field("name of the stage").value).toBe("turn");
    leave("name of the stage");
    expect(names()).toEqual(["turn", "second"]);
    expect(session.choice).toMatchObject({ stage: "turn" });
    void act(() => session.undo());
    expect(names()).toEqual(["first", "second"]);
  });

  it("takes back a name that another one has, says so, and stays with the stage", () => {
    type("name of the stage", "second");
    leave("name of the stage");
    expect(names()).toEqual(["first", "second"]);
    expect(session.said).toBe("Refused: another one is called second");
    expect(session.choice).toMatchObject({ stage: "first" });
    expect(field("name of the stage").value).toBe("first");
  });

  it("takes back a name that is empty", () => {
    type("name of the stage", " ");
    leave("name of the stage");
    expect(names()).toEqual(["first", "second"]);
    expect(field("name of the stage").value).toBe("first");
  });

  it("keeps the zeros of a number that is not typed to its end", () => {
    for (const text of ["0", "0.0", "0.05"]) {
      type("seconds", text);
      answer();
      expect(field("seconds").value).toBe(text);
    }
    expect(stagesOf(session.spec, "p").first).toMatchObject({ seconds: 0.05 });
    void act(() => session.undo());
    expect(field("seconds").value).toBe("");
  });
});
