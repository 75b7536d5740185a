// A builder on a page: its store, what is chosen, what was said; tied to the traits of its model.
import { heed } from "../lib/heed";
import { completed } from "./layout";
import type { Layout, Listed, Model, Problem } from "./model";
import {
  addPipeline,
  addResource,
  addStage,
  connect,
  connectThen,
  type Edge,
  pipelinesOf,
  type Spec,
  stageOf,
  usesOf,
} from "./spec";
import { Store } from "./store";

export type Choice =
  | { kind: "benchmark" }
  | { kind: "pipeline"; pipeline: string }
  | { kind: "data"; pipeline: string }
  | { kind: "stage"; pipeline: string; stage: string }
  | { kind: "resource"; pipeline: string; resource: string }
  | { kind: "edge"; pipeline: string; edge: Edge };

export type View = "graph" | "table" | "placement" | "yaml";

const NOBODY: Choice = { kind: "benchmark" };

export class Session {
  readonly store: Store;
  readonly library: Map<string, Listed>;
  choice: Choice = NOBODY;
  view: View = "graph";
  said = "";
  private calls = new Set<() => void>();
  private known: number;
  private sending = false;

  constructor(
    readonly model: Model,
    signal: AbortSignal,
  ) {
    const { spec, number } = model.get("canvas");
    this.known = number;
    const places = model.get("places");
    this.store = new Store({ spec, layout: completed(spec, places) });
    if (JSON.stringify(places) !== JSON.stringify(this.layout)) {
      model.set("places", this.layout); // so that Python knows them before any edit
      model.save_changes();
    }
    this.library = new Map(model.get("library").map((each) => [each.name, each]));
    const end = this.store.listen((by) => this.changed(by));
    signal.addEventListener("abort", () => {
      end();
      this.calls.clear();
    });
    heed(model, ["canvas"], () => this.heard(), signal);
    heed(model, ["places"], () => this.moved(), signal);
    heed(model, ["checked", "answered", "height"], () => this.tell(), signal);
  }

  get spec(): Spec {
    return this.store.snapshot.spec;
  }

  get layout(): Layout {
    return this.store.snapshot.layout;
  }

  get pipelines(): string[] {
    return Object.keys(pipelinesOf(this.spec));
  }

  /** Python's problems with this very spec; null while they are on their way. */
  get problems(): Problem[] | null {
    const checked = this.model.get("checked");
    return checked.number === this.known ? (checked.problems ?? []) : null;
  }

  problemsAt(path: readonly (string | number)[]): Problem[] {
    const all = this.problems ?? this.model.get("checked").problems ?? [];
    return all.filter((each) => path.every((key, index) => each.path[index] === key));
  }

  /** The pipeline that is meant where none is named: the chosen one, or the last. */
  get here(): string | undefined {
    if (this.choice.kind !== "benchmark") return this.choice.pipeline;
    return this.pipelines.at(-1);
  }

  listen(call: () => void): () => void {
    this.calls.add(call);
    return () => this.calls.delete(call);
  }

  choose(choice: Choice): void {
    this.choice = choice;
    this.tell();
  }

  show(view: View): void {
    this.view = view;
    this.tell();
  }

  say(text: string): void {
    this.said = text;
    this.tell();
  }

  edit(spec: Spec, group = ""): void {
    this.store.apply({ spec, layout: completed(spec, this.layout) }, group);
  }

  move(layout: Layout): void {
    this.store.apply({ layout });
  }

  undo(): void {
    this.store.undo();
    this.say(this.store.canUndo ? "Undone" : "Undone: this is where it began");
  }

  redo(): void {
    this.store.redo();
    this.say("Done again");
  }

  newPipeline(): string {
    const [spec, name] = addPipeline(this.spec);
    this.edit(spec);
    this.choose({ kind: "pipeline", pipeline: name });
    this.say(`${name} is new`);
    return name;
  }

  /** Add what a name of the library stands for, to a pipeline; one is made where there is none. */
  add(uses: string, pipeline = this.here): void {
    const listed = this.library.get(uses);
    if (listed?.problem) {
      this.say(`${uses}: ${listed.problem}`);
      return;
    }
    let spec = this.spec;
    let name = pipeline;
    if (name === undefined) [spec, name] = addPipeline(spec);
    if (listed?.kind === "data") {
      this.edit(setData(spec, name, uses));
      this.choose({ kind: "data", pipeline: name });
    } else if (listed?.kind === "resource") {
      const [made, resource] = addResource(spec, name, uses);
      this.edit(made);
      this.choose({ kind: "resource", pipeline: name, resource });
    } else {
      const [made, stage] = addStage(spec, name, uses);
      this.edit(made);
      this.choose({ kind: "stage", pipeline: name, stage });
    }
    this.say(`${uses} is in ${name}`);
  }

  /** Why an edge is refused, in Python's words; empty where nothing is known against it. */
  refusal(pipeline: string, source: string, target: string, output = ""): string {
    const giver = usesOf(stageOf(this.spec, pipeline, source));
    const taker = usesOf(stageOf(this.spec, pipeline, target));
    const refused = this.model.get("refused");
    return refused[output ? `${giver}:${output}` : giver]?.[taker] ?? "";
  }

  /** Connect two stages, or say why not; whether it did. */
  connect(pipeline: string, source: string, target: string, output = ""): boolean {
    const why = this.refusal(pipeline, source, target, output);
    if (why) {
      this.say(`Refused: ${why}`);
      return false;
    }
    if (output === "then") this.edit(connectThen(this.spec, pipeline, source, target));
    else this.edit(connect(this.spec, pipeline, source, target, output));
    this.say(`${source} leads to ${target}${output ? ` by ${output}` : ""}`);
    return true;
  }

  /** Give what is chosen another name, or say why not; whether it did. */
  rename(renamed: Spec, name: string, choice: Choice): boolean {
    if (renamed === this.spec) {
      this.say(`Refused: another one is called ${name}`);
      return false;
    }
    this.edit(renamed);
    this.choose(choice);
    return true;
  }

  /** Ask Python to write the notebook and the plan of a sweep. */
  askForSweep(directory: string): void {
    const number = (this.model.get("asked").number ?? 0) + 1;
    this.model.set("asked", { number, what: "sweep", directory });
    this.model.save_changes();
    this.say("asked for a sweep; a busy kernel answers when it is free");
  }

  private changed(by: "edit" | "python"): void {
    if (!this.exists(this.choice)) this.choice = NOBODY;
    this.sending = true;
    if (by === "edit") {
      this.known += 1;
      this.model.set("canvas", { number: this.known, by: "browser", spec: this.spec });
    }
    this.model.set("places", this.layout);
    this.sending = false;
    this.model.save_changes();
    this.tell();
  }

  /** The places changed: by Python, or in another view of this builder, while none are sent. */
  private moved(): void {
    if (this.sending) return;
    const layout = completed(this.spec, this.model.get("places"));
    if (JSON.stringify(layout) === JSON.stringify(this.layout)) return;
    this.store.apply({ layout }, "", "python");
  }

  /**
   * The canvas changed: by Python, in another view of this builder, or it is what was sent. A
   * change of Python's that was made before it heard of the last edit here is an edit after it.
   */
  private heard(): void {
    const { spec, number, by } = this.model.get("canvas");
    if (by === "browser" ? number <= this.known : number === this.known && spec === this.spec)
      return;
    const late = number <= this.known;
    this.known = Math.max(this.known, number);
    const next = { spec, layout: completed(spec, this.layout) };
    this.store.apply(next, "", late ? "edit" : "python");
    if (by === "python") this.say("Python changed the benchmark");
  }

  private exists(choice: Choice): boolean {
    if (choice.kind === "benchmark") return true;
    const pipeline = pipelinesOf(this.spec)[choice.pipeline];
    if (pipeline === undefined) return false;
    if (choice.kind === "stage") {
      return usesOf(stageOf(this.spec, choice.pipeline, choice.stage)) !== "";
    }
    return choice.kind !== "edge";
  }

  private tell(): void {
    for (const call of this.calls) call();
  }
}

function setData(spec: Spec, pipeline: string, uses: string): Spec {
  const all = pipelinesOf(spec);
  const here = (all[pipeline] ?? {}) as Spec;
  return { ...spec, pipelines: { ...all, [pipeline]: { ...here, data: { uses } } } };
}
