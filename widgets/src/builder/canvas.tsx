// The graph: React Flow over the session; every change goes through its store.
import {
  applyNodeChanges,
  Background,
  BackgroundVariant,
  type Connection,
  Controls,
  type Edge as FlowEdge,
  MiniMap,
  type Node,
  type NodeChange,
  ReactFlow,
  type ReactFlowInstance,
} from "@xyflow/react";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { outside } from "./layout";
import { EDGE_TYPES, NODE_TYPES } from "./nodes";
import { flowEdgesOf, nodesOf, outputOf, partsOf, SUPPRESS } from "./scene";
import type { Session } from "./session";
import { disconnect, type Edge, removeStage } from "./spec";

export const DRAGGED = "application/x-mlbench-stage";

export function Graph({ session, revision }: { session: Session; revision: number }) {
  const made = useMemo(() => nodesOf(session), [revision]);
  const edges = useMemo(() => flowEdgesOf(session), [revision]);
  const [nodes, setNodes] = useState<Node[]>(made);
  const flow = useRef<ReactFlowInstance | null>(null);
  const wrapper = useRef<HTMLDivElement>(null);
  const count = useRef(0);
  useEffect(() => {
    // What React Flow has measured stays: a node without its size is not drawn at first.
    setNodes((before) => {
      const sizes = new Map(before.map((node) => [node.id, node.measured]));
      return made.map((node) => {
        const measured = sizes.get(node.id);
        return measured && node.type !== "frame" ? { ...node, measured } : node;
      });
    });
  }, [made]);
  useEffect(() => {
    if (made.length > count.current) {
      // What is new is seen: wherever the graph was moved to, it is shown as a whole.
      requestAnimationFrame(() => flow.current?.fitView({ padding: 0.08, maxZoom: 1.15 }));
    }
    count.current = made.length;
  }, [made]);

  const changed = (changes: NodeChange[]): void => {
    const kept = changes.filter(({ type }) => type === "position" || type === "dimensions");
    if (kept.length > 0) setNodes((before) => applyNodeChanges(kept, before));
  };
  const dropped = (_: unknown, node: Node): void => {
    const [pipeline = "", stage = ""] = partsOf(node.id);
    if (node.type !== "stage") return;
    const before = session.layout[pipeline] ?? {};
    session.move({ ...session.layout, [pipeline]: { ...before, [stage]: outside(node.position) } });
  };
  const connected = ({ source, target, sourceHandle }: Connection): void => {
    const [from = "", first = ""] = partsOf(source);
    const [to = "", second = ""] = partsOf(target);
    if (from !== to) session.say("Refused: an edge stays inside of its pipeline");
    else session.connect(from, first, second, outputOf(sourceHandle));
  };
  const removed = ({
    nodes: gone,
    edges: cut,
  }: {
    nodes: Node[];
    edges: FlowEdge[];
  }): Promise<boolean> => {
    let { spec } = session;
    for (const { data } of cut) {
      const told = data as { pipeline: string; edge: Edge } | undefined;
      if (told) spec = disconnect(spec, told.pipeline, told.edge);
    }
    for (const node of gone) {
      const [pipeline = "", stage = ""] = partsOf(node.id);
      if (node.type === "stage") spec = removeStage(spec, pipeline, stage);
    }
    session.edit(spec);
    return Promise.resolve(false); // the store has done it: what is drawn follows
  };
  const clicked = (_: unknown, node: Node): void => {
    const [pipeline = "", stage = ""] = partsOf(node.id);
    if (node.type === "stage") session.choose({ kind: "stage", pipeline, stage });
    else session.choose({ kind: node.type === "source" ? "data" : "pipeline", pipeline });
  };
  const landed = (event: DragEvent): void => {
    event.preventDefault();
    const uses = event.dataTransfer?.getData(DRAGGED);
    if (!uses) return;
    const point = flow.current?.screenToFlowPosition({ x: event.clientX, y: event.clientY });
    const frame = made.find(
      ({ type, position, height }) =>
        type === "frame" &&
        point &&
        point.y >= position.y &&
        point.y <= position.y + Number(height),
    );
    session.add(uses, frame ? partsOf(frame.id)[0] : undefined);
  };
  return (
    <div
      ref={wrapper}
      class="mlb-canvas"
      onDragOver={(event) => event.preventDefault()}
      onDrop={landed}
    >
      <ReactFlow
        nodes={nodes}
        edges={edges}
        nodeTypes={NODE_TYPES as never}
        edgeTypes={EDGE_TYPES as never}
        onInit={(instance) => {
          flow.current = instance;
        }}
        onNodesChange={changed}
        onNodeDragStop={dropped as never}
        onNodeClick={clicked as never}
        onEdgeClick={(_, edge) => {
          const told = edge.data as { pipeline: string; edge: Edge } | undefined;
          if (told) session.choose({ kind: "edge", ...told });
        }}
        onPaneClick={() => {
          session.choose({ kind: "benchmark" });
          wrapper.current?.closest<HTMLElement>(".mlb")?.focus();
        }}
        onConnect={connected}
        isValidConnection={() => true}
        onBeforeDelete={removed}
        deleteKeyCode={["Delete", "Backspace"]}
        onlyRenderVisibleElements={made.length > 80}
        minZoom={0.1}
        maxZoom={2}
        fitView
        fitViewOptions={{ padding: 0.08, maxZoom: 1.15 }}
        proOptions={{ hideAttribution: true }}
        {...(SUPPRESS as object)}
      >
        <Background variant={BackgroundVariant.Dots} gap={18} size={1} />
        <Controls showInteractive={false} />
        {made.length > 12 && (
          <MiniMap
            pannable
            zoomable
            nodeColor={colour}
            ariaLabel="Minimap"
            style={{ width: 140, height: 90 }}
          />
        )}
      </ReactFlow>
    </div>
  );
}

const colour = (node: Node): string =>
  node.type === "frame" ? "transparent" : String(node.data.colour);
