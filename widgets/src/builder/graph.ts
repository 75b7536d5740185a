// The edges of a pipeline, as data: what leads where, and what would close a cycle.
import { isObject, type JsonObject, objectOf, textOf } from "./json";

/** The stage that stands for the data set of its pipeline. */
export const DATA = "";

export interface Link {
  source: string;
  /** Of a router; null for a plain stage. */
  output: string | null;
  target: string;
  kind: "to" | "then" | "entry";
}

export const pipelinesOf = (spec: JsonObject): Record<string, JsonObject> =>
  objects(objectOf(spec.pipelines));

export const stagesOf = (pipeline: JsonObject | undefined): Record<string, JsonObject> =>
  objects(objectOf(pipeline?.stages));

const objects = (value: JsonObject): Record<string, JsonObject> =>
  Object.fromEntries(Object.entries(value).map(([key, each]) => [key, objectOf(each)]));

export const entryOf = (pipeline: JsonObject): string | null =>
  textOf(pipeline.entry) || (Object.keys(stagesOf(pipeline))[0] ?? null);

/** Where a stage leads, by output; null is that of a plain stage. */
export function leads(stage: JsonObject): [string | null, string][] {
  const { to } = stage;
  if (typeof to === "string") return [[null, to]];
  if (Array.isArray(to)) return to.map((each) => [null, textOf(each)]);
  if (isObject(to)) return Object.entries(to).map(([output, each]) => [output, textOf(each)]);
  return [];
}

export function linksOf(pipeline: JsonObject): Link[] {
  const stages = stagesOf(pipeline);
  const found: Link[] = [];
  const entry = entryOf(pipeline);
  if (entry !== null) found.push({ source: DATA, output: null, target: entry, kind: "entry" });
  for (const [source, stage] of Object.entries(stages)) {
    for (const [output, target] of leads(stage)) found.push({ source, output, target, kind: "to" });
    const then = textOf(stage.then);
    if (then) found.push({ source, output: null, target: then, kind: "then" });
  }
  return found.filter(({ target }) => Object.hasOwn(stages, target));
}

/** Stages that can be reached from one, itself only by a cycle. */
export function reached(pipeline: JsonObject, from: string): Set<string> {
  const stages = stagesOf(pipeline);
  const found = new Set<string>();
  const waiting = [from];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    for (const [, target] of leads(objectOf(stages[next]))) {
      if (found.has(target)) continue;
      found.add(target);
      waiting.push(target);
    }
  }
  return found;
}

/** The stages of the cycle that an edge would close; empty where it closes none. */
export function cycle(pipeline: JsonObject, source: string, target: string): string[] {
  if (source === target) return [source];
  const after = reached(pipeline, target);
  if (!after.has(source)) return [];
  return Object.keys(stagesOf(pipeline)).filter(
    (name) => (name === target || after.has(name)) && (name === source || reached(pipeline, name).has(source)),
  );
}

/** Whether the cycle that these stages make has a limit already. */
export const limited = (pipeline: JsonObject, names: string[]): boolean =>
  names.some((name) => typeof stagesOf(pipeline)[name]?.max_visits === "number");

/** The edges that go back, by depth-first search from the entry: laid out against the flow. */
export function backward(pipeline: JsonObject): Set<string> {
  const stages = stagesOf(pipeline);
  const found = new Set<string>();
  const open = new Set<string>();
  const done = new Set<string>();
  const visit = (name: string) => {
    open.add(name);
    for (const [, target] of leads(objectOf(stages[name]))) {
      if (open.has(target)) found.add(pairOf(name, target));
      else if (!done.has(target) && Object.hasOwn(stages, target)) visit(target);
    }
    open.delete(name);
    done.add(name);
  };
  for (const name of [entryOf(pipeline) ?? "", ...Object.keys(stages)]) {
    if (!done.has(name) && Object.hasOwn(stages, name)) visit(name);
  }
  return found;
}

export const pairOf = (source: string, target: string): string => JSON.stringify([source, target]);
