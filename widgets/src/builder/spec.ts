// A spec as plain data, and edits of it: each gives a new spec and leaves the old one as it is.
import type { Fields, Json } from "./model";

export type Spec = Fields;

/** What leaves a stage: one successor, several branches, or an output of a router. */
export interface Edge {
  source: string;
  target: string;
  output: string;
  kind: "next" | "branch" | "route" | "then";
}

export const isFields = (value: Json | undefined): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export const fieldsOf = (value: Json | undefined): Fields => (isFields(value) ? value : {});

export const pipelinesOf = (spec: Spec): Fields => fieldsOf(spec.pipelines);

export const pipelineOf = (spec: Spec, name: string): Fields => fieldsOf(pipelinesOf(spec)[name]);

export const stagesOf = (spec: Spec, pipeline: string): Fields =>
  fieldsOf(pipelineOf(spec, pipeline).stages);

export const stageOf = (spec: Spec, pipeline: string, stage: string): Fields =>
  fieldsOf(stagesOf(spec, pipeline)[stage]);

export const resourcesOf = (spec: Spec, pipeline: string): Fields =>
  fieldsOf(pipelineOf(spec, pipeline).resources);

/** What a stage or a data set is of: its `uses`, empty where it has none. */
export const usesOf = (value: Json | undefined): string => {
  const uses = fieldsOf(value).uses;
  return typeof uses === "string" ? uses : "";
};

export const loadOf = (pipeline: Fields): string => {
  const load = pipeline.load;
  return isFields(load) ? (Object.keys(load)[0] ?? "closed") : "closed";
};

/** The value at a path; undefined where nothing stands. */
export function at(spec: Spec, path: readonly string[]): Json | undefined {
  let here: Json | undefined = spec;
  for (const key of path) here = isFields(here) ? here[key] : undefined;
  return here;
}

/** The spec with a value at a path; undefined takes the key away. Empty mappings stay. */
export function put(spec: Fields, path: readonly string[], value: Json | undefined): Fields {
  const [key, ...rest] = path;
  if (key === undefined) return isFields(value) ? value : spec;
  const copy = { ...spec };
  if (rest.length > 0) copy[key] = put(fieldsOf(copy[key]), rest, value);
  else if (value === undefined) delete copy[key];
  else copy[key] = value;
  return copy;
}

/** The edges of a pipeline, in the order of its stages. */
export function edgesOf(spec: Spec, pipeline: string): Edge[] {
  const found: Edge[] = [];
  for (const [source, stage] of Object.entries(stagesOf(spec, pipeline))) {
    const { to, then } = fieldsOf(stage);
    if (typeof to === "string") found.push({ source, target: to, output: "", kind: "next" });
    else if (Array.isArray(to)) {
      for (const target of to)
        found.push({ source, target: String(target), output: "", kind: "branch" });
    } else if (isFields(to)) {
      for (const [output, target] of Object.entries(to)) {
        found.push({ source, target: String(target), output, kind: "route" });
      }
    }
    if (typeof then === "string") found.push({ source, target: then, output: "", kind: "then" });
  }
  return found;
}

/** The stages with an edge to a stage, each once. */
export function predecessorsOf(spec: Spec, pipeline: string, stage: string): string[] {
  const edges = edgesOf(spec, pipeline).filter(({ target }) => target === stage);
  return [...new Set(edges.map(({ source }) => source))];
}

/** The stages whose branches a stage waits for; none where branches merge. */
export function joinOf(spec: Spec, pipeline: string, stage: string): string[] {
  const { join } = stageOf(spec, pipeline, stage);
  return Array.isArray(join) ? join.map(String) : [];
}

/** A name that nobody has yet: `wanted`, `wanted_2`, ... */
export function freeName(wanted: string, taken: Fields): string {
  if (!(wanted in taken)) return wanted;
  let number = 2;
  while (`${wanted}_${number}` in taken) number += 1;
  return `${wanted}_${number}`;
}

/** The last word of a library's name: what a stage of it is called first. */
export const shortName = (uses: string): string => uses.split(/[.:]/).pop() || "stage";

export function addPipeline(spec: Spec, name = "pipeline"): [Spec, string] {
  const free = freeName(name, pipelinesOf(spec));
  return [put(spec, ["pipelines", free], { data: { uses: "synthetic.items" }, stages: {} }), free];
}

export function addStage(spec: Spec, pipeline: string, uses: string): [Spec, string] {
  const name = freeName(shortName(uses), stagesOf(spec, pipeline));
  return [put(spec, ["pipelines", pipeline, "stages", name], { uses }), name];
}

export function addResource(spec: Spec, pipeline: string, uses: string): [Spec, string] {
  const name = freeName(shortName(uses), resourcesOf(spec, pipeline));
  return [put(spec, ["pipelines", pipeline, "resources", name], { uses }), name];
}

/** The edges that lead back to a stage which the branch came through: those that close a cycle. */
export function backEdges(spec: Spec, pipeline: string): Set<string> {
  const edges = edgesOf(spec, pipeline);
  const found = new Set<string>();
  const done = new Set<string>();
  const through = new Set<string>();
  const visit = (stage: string): void => {
    through.add(stage);
    for (const edge of edges.filter(({ source }) => source === stage)) {
      if (through.has(edge.target)) found.add(keyOf(edge));
      else if (!done.has(edge.target)) visit(edge.target);
    }
    through.delete(stage);
    done.add(stage);
  };
  const { entry } = pipelineOf(spec, pipeline);
  const names = Object.keys(stagesOf(spec, pipeline));
  for (const name of typeof entry === "string" ? [entry, ...names] : names) {
    if (!done.has(name)) visit(name);
  }
  return found;
}

/** What tells an edge from the others of its pipeline. */
export const keyOf = (edge: Edge): string =>
  [edge.source, edge.target, edge.kind, edge.output].join("/");

/** Whether a path of edges leads from one stage to another. */
export function leadsTo(spec: Spec, pipeline: string, from: string, to: string): boolean {
  const edges = edgesOf(spec, pipeline);
  const seen = new Set([from]);
  for (const here of seen) {
    if (here === to) return true;
    for (const edge of edges) if (edge.source === here) seen.add(edge.target);
  }
  return false;
}

/**
 * Connect two stages. An output makes a route, a second target a fan-out. An edge that closes a
 * cycle is bounded: at most two visits, which the form of its stage changes.
 */
export function connect(
  spec: Spec,
  pipeline: string,
  source: string,
  target: string,
  output: string,
): Spec {
  const stage = stageOf(spec, pipeline, source);
  const { to } = stage;
  let next: Json = target;
  if (output) next = { ...fieldsOf(to), [output]: target };
  else if (typeof to === "string" && to !== target) next = [to, target];
  else if (Array.isArray(to)) next = to.includes(target) ? to : [...to, target];
  const closes = leadsTo(spec, pipeline, target, source);
  let changed: Fields = { ...stage, to: next };
  if (closes && changed.max_visits === undefined) changed = { ...changed, max_visits: 2 };
  return put(spec, ["pipelines", pipeline, "stages", source], changed);
}

export function connectThen(spec: Spec, pipeline: string, source: string, target: string): Spec {
  return put(spec, ["pipelines", pipeline, "stages", source, "then"], target);
}

/** Have a stage wait for a branch of each of these; of none: then branches merge again. */
export function join(spec: Spec, pipeline: string, stage: string, sources: string[]): Spec {
  const path = ["pipelines", pipeline, "stages", stage, "join"];
  return put(spec, path, sources.length > 0 ? sources : undefined);
}

export function disconnect(spec: Spec, pipeline: string, edge: Edge): Spec {
  const path = ["pipelines", pipeline, "stages", edge.source];
  if (edge.kind === "then") return put(spec, [...path, "then"], undefined);
  return put(spec, [...path, "to"], without(stageOf(spec, pipeline, edge.source).to, edge));
}

function without(to: Json | undefined, edge: Edge): Json | undefined {
  if (Array.isArray(to)) {
    const left = to.filter((target) => target !== edge.target);
    return left.length > 1 ? left : left[0];
  }
  if (isFields(to)) {
    const left = Object.fromEntries(
      Object.entries(to).filter(([output]) => output !== edge.output),
    );
    return Object.keys(left).length > 0 ? left : undefined;
  }
  return undefined;
}

/** Take a stage away, with every edge and every word that leads to it. */
export function removeStage(spec: Spec, pipeline: string, name: string): Spec {
  let next = spec;
  for (const edge of edgesOf(spec, pipeline)) {
    if (edge.target === name) next = disconnect(next, pipeline, edge);
  }
  const path = ["pipelines", pipeline];
  for (const other of Object.keys(stagesOf(next, pipeline))) {
    const joined = joinOf(next, pipeline, other);
    const left = joined.filter((each) => each !== name);
    if (left.length < joined.length) next = join(next, pipeline, other, left);
  }
  if (pipelineOf(next, pipeline).entry === name) next = put(next, [...path, "entry"], undefined);
  return put(next, [...path, "stages", name], undefined);
}

/** Give a stage another name, and everything that leads to it. */
export function renameStage(spec: Spec, pipeline: string, from: string, to: string): Spec {
  const stages = stagesOf(spec, pipeline);
  if (!to || to === from || to in stages || !(from in stages)) return spec;
  const renamed = (value: Json | undefined): Json | undefined => {
    if (value === from) return to;
    if (Array.isArray(value)) return value.map((each) => (each === from ? to : each));
    if (isFields(value)) {
      return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, v === from ? to : v]));
    }
    return value;
  };
  const entries = Object.entries(stages).map(([name, stage]): [string, Json] => {
    let copy = fieldsOf(stage);
    for (const key of ["to", "then", "join"]) {
      if (copy[key] !== undefined) copy = put(copy, [key], renamed(copy[key]));
    }
    return [name === from ? to : name, copy];
  });
  let pipe: Fields = { ...pipelineOf(spec, pipeline), stages: Object.fromEntries(entries) };
  if (pipe.entry === from) pipe = { ...pipe, entry: to };
  return put(spec, ["pipelines", pipeline], pipe);
}

/** Give a key of a mapping another name, in its place. */
function rekeyed(fields: Fields, from: string, to: string): Fields {
  return Object.fromEntries(Object.entries(fields).map(([k, v]) => [k === from ? to : k, v]));
}

export function renamePipeline(spec: Spec, from: string, to: string): Spec {
  const all = pipelinesOf(spec);
  if (!to || to === from || to in all) return spec;
  return { ...spec, pipelines: rekeyed(all, from, to) };
}

export function renameResource(spec: Spec, pipeline: string, from: string, to: string): Spec {
  const resources = resourcesOf(spec, pipeline);
  if (!to || to === from || to in resources) return spec;
  const path = ["pipelines", pipeline];
  const next = put(spec, [...path, "resources"], rekeyed(resources, from, to));
  const follow = (value: Json): Json => {
    if (value === `$${from}`) return `$${to}`;
    if (Array.isArray(value)) return value.map(follow);
    if (isFields(value)) {
      return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, follow(each)]));
    }
    return value;
  };
  return put(next, [...path, "stages"], follow(stagesOf(next, pipeline)));
}
