// Where stages stand: what nobody placed is laid out from left to right, pipeline by pipeline.
import { layout as dagre, graphlib } from "@dagrejs/dagre";
import type { Layout, Point } from "./model";
import { edgesOf, pipelinesOf, type Spec, stagesOf } from "./spec";

export const NODE = { width: 176, height: 58 };
const GAP = { x: 64, y: 26 };
const FRAME = { left: 150, top: 44, right: 24, bottom: 24 };
const BETWEEN = 28;

export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** The positions of a pipeline's stages, from its own upper left corner on. */
export function arranged(spec: Spec, pipeline: string): Record<string, Point> {
  const graph = new graphlib.Graph();
  graph.setGraph({ rankdir: "LR", nodesep: GAP.y, ranksep: GAP.x });
  graph.setDefaultEdgeLabel(() => ({}));
  const names = Object.keys(stagesOf(spec, pipeline));
  for (const name of names) graph.setNode(name, { ...NODE });
  for (const { source, target } of edgesOf(spec, pipeline)) {
    const there = graph.hasNode(source) && graph.hasNode(target);
    if (there && source !== target) graph.setEdge(source, target);
  }
  dagre(graph);
  const corners = names.map((name): [string, Point] => {
    const { x, y } = graph.node(name) as Point;
    return [name, { x: Math.round(x - NODE.width / 2), y: Math.round(y - NODE.height / 2) }];
  });
  const left = Math.min(...corners.map(([, point]) => point.x));
  const top = Math.min(...corners.map(([, point]) => point.y));
  return Object.fromEntries(corners.map(([name, { x, y }]) => [name, { x: x - left, y: y - top }]));
}

/** A layout in which every stage has a place; those that had one keep it. */
export function completed(spec: Spec, layout: Layout): Layout {
  const found: Layout = {};
  for (const pipeline of Object.keys(pipelinesOf(spec))) {
    const known = layout[pipeline] ?? {};
    const names = Object.keys(stagesOf(spec, pipeline));
    const isNew = names.every((name) => !(name in known));
    found[pipeline] = isNew ? arranged(spec, pipeline) : placed(names, known);
  }
  return found;
}

/** What has no place yet comes to the right of what was placed last. */
function placed(names: string[], known: Record<string, Point>): Record<string, Point> {
  const found: Record<string, Point> = {};
  let last: Point = { x: -NODE.width - GAP.x, y: 0 };
  for (const name of names) {
    found[name] = known[name] ?? { x: last.x + NODE.width + GAP.x, y: last.y };
    last = found[name];
  }
  return found;
}

/** The frames of the pipelines, below each other; stages stand inside, behind the data. */
export function frames(spec: Spec, layout: Layout): Record<string, Box> {
  const found: Record<string, Box> = {};
  let top = 0;
  for (const pipeline of Object.keys(pipelinesOf(spec))) {
    const points = Object.values(layout[pipeline] ?? {});
    const right = Math.max(...points.map(({ x }) => x + NODE.width), NODE.width);
    const bottom = Math.max(...points.map(({ y }) => y + NODE.height), NODE.height);
    const width = FRAME.left + right + FRAME.right;
    const height = FRAME.top + bottom + FRAME.bottom;
    found[pipeline] = { x: 0, y: top, width, height };
    top += height + BETWEEN;
  }
  return found;
}

/** From a stage's own position to that inside of its frame. */
export const inside = ({ x, y }: Point): Point => ({ x: x + FRAME.left, y: y + FRAME.top });

/** And back: no stage leaves its frame to the left or the top. */
export const outside = ({ x, y }: Point): Point => ({
  x: Math.round(Math.max(0, x - FRAME.left)),
  y: Math.round(Math.max(0, y - FRAME.top)),
});
