// Python's rules as it has sent them: what fits where. There are none here but of structure.
import { DATA, leads, pipelinesOf, stagesOf } from "./graph";
import { type JsonObject, objectOf, textOf } from "./json";
import type { Entry, State } from "./model";

export class Rules {
  readonly entries: Map<string, Entry>;

  constructor(
    library: Entry[],
    private readonly refused: State["refused"],
  ) {
    this.entries = new Map(library.map((entry) => [entry.name, entry]));
  }

  entry(uses: unknown): Entry | undefined {
    return this.entries.get(textOf(uses));
  }

  /** The outputs of a router: those it declares, its configuration names, and those in use. */
  outputs(stage: JsonObject): string[] {
    const declared = this.entry(stage.uses)?.outputs;
    if (declared === undefined) return used(stage);
    if (declared !== null) return [...new Set([...Object.keys(declared), ...used(stage)])];
    return [...new Set([...named(objectOf(stage.with)), ...used(stage)])];
  }

  isRouter(stage: JsonObject): boolean {
    const declared = this.entry(stage.uses)?.outputs;
    if (declared === null) return this.outputs(stage).length > 0;
    return this.outputs(stage).length > 0 || Object.keys(declared ?? {}).length > 0;
  }

  /** Why a connection cannot be; null where it fits. */
  refusal(
    spec: JsonObject,
    pipeline: string,
    source: string,
    output: string | null,
    target: string,
  ): string | null {
    const content = pipelinesOf(spec)[pipeline];
    const stages = stagesOf(content);
    const taker = stages[target];
    if (target === DATA || !taker) return "A data set only gives: connect from it to a stage.";
    if (source === DATA && leads({ to: objectOf(content).entry ?? null })[0]?.[1] === target) {
      return `${target} is the entry already.`;
    }
    const giver = source === DATA ? objectOf(content?.data) : objectOf(stages[source]);
    const uses = textOf(giver.uses);
    if (leads(giver).some(([from, to]) => from === output && to === target)) {
      return `${source} leads to ${target} already.`;
    }
    const key = output === null ? uses : `${uses}:${output}`;
    return this.refused[key]?.[textOf(taker.uses)] ?? null;
  }
}

const used = (stage: JsonObject): string[] =>
  leads(stage).flatMap(([output]) => (output === null ? [] : [output]));

/** Names that a configuration gives: keys of a mapping of numbers, texts of a list. */
function named(options: JsonObject): string[] {
  return Object.values(options).flatMap((value) => {
    if (Array.isArray(value)) return value.filter((each) => typeof each === "string");
    const pairs = Object.entries(objectOf(value));
    return pairs.length && pairs.every(([, each]) => typeof each === "number")
      ? pairs.map(([key]) => key)
      : [];
  });
}
