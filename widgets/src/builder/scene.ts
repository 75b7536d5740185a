// The nodes and edges of React Flow that a spec comes to.
import { type Edge as FlowEdge, MarkerType, type Node } from "@xyflow/react";
import { frames, inside, NODE } from "./layout";
import type { Session } from "./session";
import {
  at,
  backEdges,
  type Edge,
  edgesOf,
  isFields,
  keyOf,
  loadOf,
  pipelineOf,
  stagesOf,
  usesOf,
} from "./spec";

/** Okabe and Ito's palette, in an order that stays apart on light and dark pages. */
export const COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"];

export const SUPPRESS = { "data-lm-suppress-shortcuts": "true" };

/** An id of the canvas: names may be anything, and React Flow looks for ids with selectors. */
export const idOf = (...parts: string[]): string => parts.map(encodeURIComponent).join("/");

export const partsOf = (id: string): string[] => id.split("/").map(decodeURIComponent);

/** The id of the handle of a router's output, and the output of a handle. */
export const handleOf = (output: string): string => `out:${encodeURIComponent(output)}`;

export const outputOf = (handle: string | null | undefined): string =>
  handle?.startsWith("out:") ? decodeURIComponent(handle.slice(4)) : "";

export const colourOf = (session: Session, pipeline: string): string =>
  COLOURS[session.pipelines.indexOf(pipeline) % COLOURS.length] ?? "#0072b2";

export function placeOf(session: Session, pipeline: string): string {
  const place = at(session.spec, ["pipelines", pipeline, "place"]);
  if (!isFields(place)) return "fair share";
  const parts = [];
  if (typeof place.device === "string" && place.device !== "auto") parts.push(place.device);
  if (Array.isArray(place.cpus)) parts.push(`CPU ${place.cpus.join(", ")}`);
  if (isFields(place.sharing)) parts.push(Object.keys(place.sharing).join(", "));
  return parts.join(" · ") || "fair share";
}

/** The outputs of a stage that have a handle each; none for a stage that is no router. */
export function outputsOf(session: Session, pipeline: string, stage: string): string[] {
  const spec = stagesOf(session.spec, pipeline)[stage];
  const listed = session.library.get(usesOf(spec));
  const to = isFields(spec) ? spec.to : undefined;
  const declared = Object.keys(listed?.outputs ?? {});
  return [...new Set([...declared, ...(isFields(to) ? Object.keys(to) : [])])];
}

const marksOf = (stage: unknown): string[] => {
  if (!isFields(stage as never)) return [];
  const { join, batch, workers, max_visits } = stage as Record<string, unknown>;
  const marks = [];
  if (Array.isArray(join)) marks.push(`joins ${join.length}`);
  if (batch) marks.push("batches");
  if (typeof workers === "number" && workers > 1) marks.push(`${workers} workers`);
  if (typeof max_visits === "number")
    marks.push(max_visits === 1 ? "1 visit" : `≤ ${max_visits} visits`);
  return marks;
};

export function nodesOf(session: Session): Node[] {
  const boxes = frames(session.spec, session.layout);
  return session.pipelines.flatMap((pipeline) =>
    nodesOfPipeline(session, pipeline, boxes[pipeline]),
  );
}

function nodesOfPipeline(
  session: Session,
  pipeline: string,
  box: { x: number; y: number; width: number; height: number } | undefined,
): Node[] {
  if (!box) return [];
  const { choice } = session;
  const colour = colourOf(session, pipeline);
  const here = choice.kind !== "benchmark" && choice.pipeline === pipeline ? choice : null;
  const whole = pipelineOf(session.spec, pipeline);
  const first = (key: string): string =>
    session.problemsAt(["pipelines", pipeline, key])[0]?.message ?? "";
  const frame: Node = {
    id: idOf(pipeline),
    type: "frame",
    position: { x: box.x, y: box.y },
    draggable: false,
    connectable: false,
    deletable: false,
    selected: here?.kind === "pipeline",
    domAttributes: SUPPRESS as never,
    ariaLabel: `pipeline ${pipeline}`,
    width: box.width,
    height: box.height,
    measured: { width: box.width, height: box.height },
    data: {
      name: pipeline,
      load: loadOf(whole),
      place: placeOf(session, pipeline),
      colour,
      problems: session.problemsAt(["pipelines", pipeline]).length,
    },
  };
  const source: Node = {
    id: idOf(pipeline, "", "data"),
    type: "source",
    parentId: frame.id,
    position: { x: 14, y: 44 + 6 },
    draggable: false,
    deletable: false,
    selected: here?.kind === "data",
    domAttributes: SUPPRESS as never,
    ariaLabel: `data of ${pipeline}: ${usesOf(whole.data)}`,
    data: { uses: usesOf(whole.data), load: loadOf(whole), colour, problem: first("data") },
  };
  const stages = Object.entries(stagesOf(session.spec, pipeline)).map(([stage, spec]): Node => {
    const listed = session.library.get(usesOf(spec));
    const problems = session.problemsAt(["pipelines", pipeline, "stages", stage]);
    const point = session.layout[pipeline]?.[stage] ?? { x: 0, y: 0 };
    return {
      id: idOf(pipeline, stage),
      type: "stage",
      parentId: frame.id,
      position: inside(point),
      selected: here?.kind === "stage" && here.stage === stage,
      domAttributes: SUPPRESS as never,
      ariaLabel: `stage ${stage} of ${pipeline}: ${usesOf(spec)}`,
      style: { width: NODE.width },
      data: {
        name: stage,
        uses: usesOf(spec),
        types: listed
          ? `takes ${listed.takes ?? "anything"}, gives ${listed.gives ?? "nothing"}`
          : "",
        colour,
        outputs: outputsOf(session, pipeline, stage),
        marks: marksOf(spec),
        problem: problems[0] ? problems.map(({ message }) => message).join("; ") : "",
      },
    };
  });
  return [frame, source, ...stages];
}

export function flowEdgesOf(session: Session): FlowEdge[] {
  return session.pipelines.flatMap((pipeline) => {
    const stages = stagesOf(session.spec, pipeline);
    const entry = pipelineOf(session.spec, pipeline).entry;
    const first = typeof entry === "string" ? entry : Object.keys(stages)[0];
    const back = backEdges(session.spec, pipeline);
    const edges = edgesOf(session.spec, pipeline)
      .filter(({ target }) => target in stages)
      .map((edge) => flowEdge(session, pipeline, edge, back.has(keyOf(edge))));
    if (first === undefined || !(first in stages)) return edges;
    return [entryEdge(session, pipeline, first), ...edges];
  });
}

function entryEdge(session: Session, pipeline: string, first: string): FlowEdge {
  return {
    id: idOf(pipeline, "", "entry"),
    source: idOf(pipeline, "", "data"),
    target: idOf(pipeline, first),
    deletable: false,
    selectable: false,
    focusable: false,
    style: { stroke: colourOf(session, pipeline), strokeWidth: 1.5 },
    domAttributes: SUPPRESS as never,
  };
}

function flowEdge(session: Session, pipeline: string, edge: Edge, back: boolean): FlowEdge {
  const { choice } = session;
  const same =
    choice.kind === "edge" && choice.pipeline === pipeline && keyOf(choice.edge) === keyOf(edge);
  const routed = outputsOf(session, pipeline, edge.source).length > 0 && edge.kind === "route";
  return {
    id: idOf(pipeline, keyOf(edge)),
    source: idOf(pipeline, edge.source),
    sourceHandle: routed ? handleOf(edge.output) : "out",
    target: idOf(pipeline, edge.target),
    targetHandle: "in",
    type: back ? "back" : "smoothstep",
    ...(edge.kind === "then" ? { label: "then" } : {}),
    selected: same,
    data: { pipeline, edge },
    ariaLabel: `${edge.source} leads to ${edge.target}${edge.output ? ` by ${edge.output}` : ""}`,
    className: edge.kind === "then" ? "mlb-then" : back ? "mlb-back" : "",
    markerEnd: { type: MarkerType.ArrowClosed, width: 16, height: 16 },
    domAttributes: SUPPRESS as never,
  };
}
