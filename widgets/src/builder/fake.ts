// A stand-in for the model of the builder: what the tests mount it on.
import type { Canvas, Fields, Model, State } from "./model";

const library: State["library"] = [
  {
    name: "a.items",
    family: "a",
    kind: "data",
    summary: "items",
    gives: "int",
    problem: null,
    schema: {},
  },
  {
    name: "a.step",
    family: "a",
    kind: "stage",
    summary: "a step",
    takes: "int",
    gives: "int",
    outputs: {},
    problem: null,
    schema: {},
  },
  {
    name: "a.text",
    family: "a",
    kind: "stage",
    summary: "text",
    takes: "str",
    gives: "str",
    outputs: {},
    problem: null,
    schema: {},
  },
];

/** A builder's model without a kernel behind it; it tells of what is set, as a real one does. */
export class Fake implements Model {
  readonly calls = new Map<string, Set<() => void>>();
  readonly state: State;

  constructor(spec: Fields) {
    this.state = {
      canvas: { number: 0, by: "python", spec },
      places: {},
      library,
      loads: [{ name: "closed", summary: "", schema: {} }],
      sharings: [],
      forms: { benchmark: { properties: { name: { type: "string" } } } },
      refused: { "a.step": { "a.text": "a.step gives int, but a.text takes str" } },
      machine: { cpus: [0], lanes: [] },
      checked: { number: 0, problems: [], yaml: "name: x", python: "" },
      asked: {},
      answered: {},
      height: 400,
    };
  }

  get<Key extends keyof State>(name: Key): State[Key] {
    return this.state[name];
  }

  set<Key extends keyof State>(name: Key, value: State[Key]): void {
    this.state[name] = value;
    for (const call of [...(this.calls.get(`change:${name}`) ?? [])]) call();
  }

  save_changes(): void {}

  on(event: string, call: () => void): void {
    this.calls.set(event, (this.calls.get(event) ?? new Set()).add(call));
  }

  off(event: string, call: () => void): void {
    this.calls.get(event)?.delete(call);
  }

  get listeners(): number {
    return [...this.calls.values()].reduce((sum, calls) => sum + calls.size, 0);
  }

  says(canvas: Canvas): void {
    this.set("canvas", canvas);
  }
}
