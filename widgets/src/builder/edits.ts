// Everything that can be done to a document, each as one step.
import { DATA, entryOf, type Link, pipelinesOf, stagesOf } from "./graph";
import { at, isObject, type Json, type JsonObject, objectOf, type Path, put, rekey, same, without } from "./json";
import type { Layout } from "./model";
import type { Document, Edit } from "./store";

export type Spot = { x: number; y: number };

/** A name that nothing has yet. */
export function freshName(base: string, taken: Iterable<string>): string {
  const names = new Set(taken);
  if (!names.has(base)) return base;
  for (let number = 2; ; number += 1) {
    if (!names.has(`${base}_${number}`)) return `${base}_${number}`;
  }
}

/** `retrieve` for `rag.retrieve` and for `module:retrieve`. */
export const shortName = (uses: string): string => uses.split(/[.:]/).at(-1) || "stage";

const changed = (before: Document, spec: Json): Document =>
  same(spec, before.spec) ? before : { ...before, spec: spec as JsonObject };

/** Something else at a path of the spec; undefined leaves it out, with parents that get empty. */
export function setAt(path: Path, value: Json | undefined, keep = path.length - 1): Edit {
  return (before) => {
    let spec = put(before.spec, path, value);
    for (let end = path.length - 1; value === undefined && end > keep; end -= 1) {
      const parent = at(spec, path.slice(0, end));
      if (isObject(parent) && Object.keys(parent).length === 0) {
        spec = put(spec, path.slice(0, end), undefined);
      }
    }
    return changed(before, spec);
  };
}


// -- pipelines -------------------------------------------------------------------------------

export function addPipeline(name: string, content: JsonObject = { stages: {} }): Edit {
  return (before) => changed(before, put(before.spec, ["pipelines", name], content));
}

export function renamePipeline(from: string, to: string): Edit {
  return (before) => {
    const pipelines = objectOf(before.spec.pipelines);
    if (from === to || Object.hasOwn(pipelines, to)) return before;
    let spec = put(before.spec, ["pipelines"], rekey(pipelines, from, to));
    if (at(spec, ["study", "against", "pipeline"]) === from) {
      spec = put(spec, ["study", "against", "pipeline"], to);
    }
    return { spec: spec as JsonObject, layout: rekey(before.layout, from, to) as Layout };
  };
}

function removePipeline(before: Document, name: string): Document {
  const { [name]: _gone, ...layout } = before.layout;
  const pipelines = without(objectOf(before.spec.pipelines), name);
  return { spec: put(before.spec, ["pipelines"], pipelines) as JsonObject, layout };
}

// -- stages ----------------------------------------------------------------------------------

export function addStage(
  pipeline: string,
  name: string,
  uses: string,
  shown: Layout[string] | null = null,
  spot: Spot | null = null,
): Edit {
  return (before) => {
    const spec = put(before.spec, ["pipelines", pipeline, "stages", name], { uses });
    if (!spot) return { ...before, spec: spec as JsonObject };
    const layout = { ...before.layout, [pipeline]: { ...shown, [name]: spot } };
    return { spec: spec as JsonObject, layout };
  };
}

/** The stage with each name that it refers to seen through a function; null drops the reference. */
function referring(stage: JsonObject, rename: (name: string) => string | null): JsonObject {
  const next: JsonObject = { ...stage };
  const set = (key: string, value: Json | undefined) => {
    if (value === undefined) delete next[key];
    else next[key] = value;
  };
  const list = (value: Json[]) => value.map((each) => rename(String(each))).filter((each) => each !== null);
  const { to, join, then } = stage;
  if (typeof to === "string") set("to", rename(to) ?? undefined);
  else if (Array.isArray(to)) set("to", fewest(list(to)));
  else if (isObject(to)) set("to", outputs(to, rename));
  if (Array.isArray(join)) {
    const kept = list(join);
    set("join", kept.length ? kept : undefined);
  }
  if (typeof then === "string") set("then", rename(then) ?? undefined);
  return next;
}

const fewest = (names: string[]): Json | undefined => (names.length > 1 ? names : names[0]);

function outputs(to: JsonObject, rename: (name: string) => string | null): Json | undefined {
  const kept = Object.entries(to)
    .map(([output, target]): [string, string | null] => [output, rename(String(target))])
    .filter((pair): pair is [string, string] => pair[1] !== null);
  return kept.length ? Object.fromEntries(kept) : undefined;
}

function refer(pipeline: JsonObject, rename: (name: string) => string | null): JsonObject {
  const stages = Object.entries(stagesOf(pipeline)).map(([name, stage]) => [name, referring(stage, rename)]);
  const next: JsonObject = { ...pipeline, stages: Object.fromEntries(stages) };
  if (typeof pipeline.entry !== "string") return next;
  const entry = rename(pipeline.entry);
  return entry === null ? without(next, "entry") : { ...next, entry };
}

/** References follow: those of edges, joins, limits and the entry. */
export function renameStage(pipeline: string, from: string, to: string): Edit {
  return (before) => {
    const found = pipelinesOf(before.spec)[pipeline];
    if (!found || from === to || Object.hasOwn(stagesOf(found), to)) return before;
    const followed = refer(found, (name) => (name === from ? to : name));
    const content = { ...followed, stages: rekey(objectOf(followed.stages), from, to) };
    const layout = { ...before.layout };
    if (layout[pipeline]) layout[pipeline] = rekey(layout[pipeline], from, to);
    return { spec: put(before.spec, ["pipelines", pipeline], content) as JsonObject, layout };
  };
}

function removeStage(before: Document, pipeline: string, name: string): Document {
  const found = pipelinesOf(before.spec)[pipeline];
  if (!found) return before;
  if (name === DATA) {
    return { ...before, spec: put(before.spec, ["pipelines", pipeline, "data"], undefined) as JsonObject };
  }
  const followed = refer(found, (each) => (each === name ? null : each));
  const content = { ...followed, stages: without(objectOf(followed.stages), name) };
  const layout = { ...before.layout };
  if (layout[pipeline]) {
    const { [name]: _gone, ...rest } = layout[pipeline];
    layout[pipeline] = rest;
  }
  return { spec: put(before.spec, ["pipelines", pipeline], content) as JsonObject, layout };
}

// -- edges -----------------------------------------------------------------------------------

export interface Limit {
  /** The stage whose visits are counted. */
  stage: string;
  max_visits: number;
  then: string | null;
}

/** A second target of a plain stage makes a list; an output of a router has one target. */
export function connect(
  pipeline: string,
  source: string,
  output: string | null,
  target: string,
  limit: Limit | null = null,
): Edit {
  return (before) => {
    const root: Path = ["pipelines", pipeline];
    if (source === DATA) return enter(before, pipeline, target);
    const to = at(before.spec, [...root, "stages", source, "to"]);
    let spec = put(before.spec, [...root, "stages", source, "to"], joined(to, output, target));
    if (limit) {
      const stage: Path = [...root, "stages", limit.stage];
      spec = put(spec, [...stage, "max_visits"], limit.max_visits);
      if (limit.then) spec = put(spec, [...stage, "then"], limit.then);
    }
    return changed(before, spec);
  };
}

function joined(to: Json | undefined, output: string | null, target: string): Json {
  if (output !== null) return { ...objectOf(to), [output]: target };
  if (typeof to === "string") return to === target ? to : [to, target];
  if (Array.isArray(to)) return to.includes(target) ? to : [...to, target];
  return target;
}

function enter(before: Document, pipeline: string, target: string): Document {
  const content = pipelinesOf(before.spec)[pipeline];
  if (!content || entryOf(content) === target) return before;
  const first = Object.keys(stagesOf(content))[0];
  const entry = first === target ? undefined : target;
  return changed(before, put(before.spec, ["pipelines", pipeline, "entry"], entry));
}

function removeLink(before: Document, pipeline: string, link: Link): Document {
  const path: Path = ["pipelines", pipeline, "stages", link.source];
  if (link.kind === "entry") {
    return changed(before, put(before.spec, ["pipelines", pipeline, "entry"], undefined));
  }
  if (link.kind === "then") return changed(before, put(before.spec, [...path, "then"], undefined));
  const to = at(before.spec, [...path, "to"]);
  let left: Json | undefined;
  if (Array.isArray(to)) left = fewest(to.map(String).filter((each) => each !== link.target));
  else if (isObject(to) && link.output !== null) {
    const rest = without(to, link.output);
    left = Object.keys(rest).length ? rest : undefined;
  }
  return changed(before, put(before.spec, [...path, "to"], left));
}

// -- several things at once --------------------------------------------------------------------

export type Thing =
  | { kind: "pipeline"; pipeline: string }
  | { kind: "stage"; pipeline: string; stage: string }
  | { kind: "link"; pipeline: string; link: Link };

const ORDER = { link: 0, stage: 1, pipeline: 2 };

export function remove(things: Thing[]): Edit {
  return (before) =>
    [...things]
      .sort((one, other) => ORDER[one.kind] - ORDER[other.kind])
      .reduce((document, thing) => {
        if (thing.kind === "pipeline") return removePipeline(document, thing.pipeline);
        if (thing.kind === "stage") return removeStage(document, thing.pipeline, thing.stage);
        return removeLink(document, thing.pipeline, thing.link);
      }, before);
}

/** Positions of whole pipelines, as they are shown: what was laid out by itself stays put, too. */
export const placeStages =
  (moved: Layout): Edit =>
  (before) => ({ ...before, layout: { ...before.layout, ...moved } });

/** All positions forgotten: it lays itself out. */
export const layOut: Edit = (before) =>
  Object.keys(before.layout).length ? { ...before, layout: {} } : before;

