// Where everything stands: as it was put, and what was not, laid out from left to right.
import { graphlib, layout as dagre } from "@dagrejs/dagre";
import { backward, DATA, linksOf, pairOf, pipelinesOf, stagesOf } from "./graph";
import type { JsonObject } from "./json";
import type { Layout } from "./model";
import type { Rules } from "./rules";
import type { Document } from "./store";

export const WIDTH = 212;
export const HEAD = 66;
export const ROW = 22;
const FRAME = { side: 22, top: 52, bottom: 26, least: 300, low: 150 };
const GAP = { layer: 72, row: 30, frame: 36, back: 34 };

export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Placed {
  frame: Box;
  stages: Layout[string];
}

export const heightOf = (outputs: number): number => HEAD + (outputs ? outputs * ROW + 6 : 0);

const automatic = new WeakMap<JsonObject, { rules: Rules; stages: Layout[string] }>();

/** Each pipeline's frame and the places of its stages, frames below each other. */
export function placed(document: Document, rules: Rules): Record<string, Placed> {
  const found: Record<string, Placed> = {};
  let top = 0;
  for (const [name, pipeline] of Object.entries(pipelinesOf(document.spec))) {
    const given = document.layout[name];
    const stages = placesOf(pipeline, given, top, rules);
    const frame = frameOf(pipeline, stages, rules, top);
    found[name] = { frame, stages };
    top = Math.max(top, frame.y + frame.height + GAP.frame);
  }
  return found;
}

function placesOf(
  pipeline: JsonObject,
  given: Layout[string] | undefined,
  top: number,
  rules: Rules,
): Layout[string] {
  const names = [DATA, ...Object.keys(stagesOf(pipeline))];
  const known = names.filter((name) => isSpot(given?.[name]));
  if (!given || !known.length) {
    return Object.fromEntries(
      Object.entries(laidOut(pipeline, rules)).map(([name, { x, y }]) => [
        name,
        { x: x + FRAME.side, y: y + top + FRAME.top },
      ]),
    );
  }
  const spots = Object.fromEntries(known.map((name) => [name, given[name] as { x: number; y: number }]));
  const all = Object.values(spots);
  const [left, low] = [Math.min(...all.map(({ x }) => x)), Math.max(...all.map(({ y }) => y))];
  names
    .filter((name) => !Object.hasOwn(spots, name))
    .forEach((name, place) => {
      spots[name] = { x: left + place * (WIDTH + 30), y: low + HEAD + 3 * ROW + GAP.row };
    });
  return spots;
}

const isSpot = (spot: unknown): boolean =>
  Number.isFinite((spot as { x?: number })?.x) && Number.isFinite((spot as { y?: number })?.y);

/** By dagre, from the origin on; edges that go back do not count. */
function laidOut(pipeline: JsonObject, rules: Rules): Layout[string] {
  const kept = automatic.get(pipeline);
  if (kept?.rules === rules) return kept.stages;
  const graph = new graphlib.Graph();
  graph.setGraph({ rankdir: "LR", ranksep: GAP.layer, nodesep: GAP.row });
  graph.setDefaultEdgeLabel(() => ({}));
  const stages = stagesOf(pipeline);
  graph.setNode(`s${DATA}`, { width: WIDTH, height: heightOf(0) });
  for (const [name, stage] of Object.entries(stages)) {
    graph.setNode(`s${name}`, { width: WIDTH, height: heightOf(rules.outputs(stage).length) });
  }
  const back = backward(pipeline);
  for (const { source, target, kind } of linksOf(pipeline)) {
    if (kind !== "then" && source !== target && !back.has(pairOf(source, target))) {
      graph.setEdge(`s${source}`, `s${target}`);
    }
  }
  dagre(graph);
  const made = Object.fromEntries(
    graph.nodes().map((id: string) => {
      const { x, y, width, height } = graph.node(id) as Box;
      return [id.slice(1), { x: Math.round(x - width / 2), y: Math.round(y - height / 2) }];
    }),
  );
  automatic.set(pipeline, { rules, stages: made });
  return made;
}

function frameOf(pipeline: JsonObject, spots: Layout[string], rules: Rules, top: number): Box {
  const stages = stagesOf(pipeline);
  const all = Object.entries(spots).map(([name, spot]) => ({
    ...spot,
    low: spot.y + heightOf(stages[name] ? rules.outputs(stages[name]).length : 0),
  }));
  if (!all.length) return { x: 0, y: top, width: FRAME.least, height: FRAME.low };
  const x = Math.min(...all.map((each) => each.x)) - FRAME.side;
  const y = Math.min(...all.map((each) => each.y)) - FRAME.top;
  const right = Math.max(...all.map((each) => each.x)) + WIDTH + FRAME.side;
  const room = backward(pipeline).size ? GAP.back : 0;
  const low = Math.max(...all.map((each) => each.low)) + FRAME.bottom + room;
  return { x, y, width: Math.max(FRAME.least, right - x), height: Math.max(FRAME.low, low - y) };
}
