// What is drawn on the canvas: the frame of a pipeline, its data set, its stages.
import { BaseEdge, type EdgeProps, Handle, Position } from "@xyflow/react";
import { memo } from "preact/compat";
import { handleOf } from "./scene";

const LIFT = 78;

export interface FrameData extends Record<string, unknown> {
  name: string;
  load: string;
  place: string;
  colour: string;
  problems: number;
}

export interface StageData extends Record<string, unknown> {
  name: string;
  uses: string;
  types: string;
  colour: string;
  outputs: string[];
  marks: string[];
  problem: string;
}

export interface SourceData extends Record<string, unknown> {
  uses: string;
  load: string;
  colour: string;
  problem: string;
}

export const FrameNode = memo(({ data }: { data: FrameData }) => (
  <div class="mlb-frame" style={{ "--mlb-colour": data.colour }}>
    <div class="mlb-frame-head">
      <b>{data.name}</b>
      <span>{data.load}</span>
      <span>{data.place}</span>
      {data.problems > 0 && (
        <em>{data.problems === 1 ? "1 problem" : `${data.problems} problems`}</em>
      )}
    </div>
  </div>
));

export const SourceNode = memo(({ data }: { data: SourceData }) => (
  <div
    class={`mlb-source${data.problem ? " mlb-wrong" : ""}`}
    style={{ "--mlb-colour": data.colour }}
    title={data.problem}
  >
    <span>data</span>
    <b>{data.uses || "none"}</b>
    <Handle type="source" position={Position.Right} isConnectable={false} />
  </div>
));

export const StageNode = memo(({ data }: { data: StageData }) => (
  <div
    class={`mlb-stage${data.problem ? " mlb-wrong" : ""}`}
    style={{ "--mlb-colour": data.colour }}
    title={data.problem || data.types}
  >
    <Handle type="target" position={Position.Left} id="in" />
    <b>{data.name}</b>
    <span>{data.uses}</span>
    {data.marks.length > 0 && (
      <div class="mlb-marks">
        {data.marks.map((mark) => (
          <i key={mark}>{mark}</i>
        ))}
      </div>
    )}
    {data.problem && <div class="mlb-node-problem">{data.problem}</div>}
    {data.outputs.length === 0 && <Handle type="source" position={Position.Right} id="out" />}
    {data.outputs.map((output, index) => (
      <Handle
        key={output}
        type="source"
        position={Position.Right}
        id={handleOf(output)}
        style={{ top: `${((index + 1) / (data.outputs.length + 1)) * 100}%` }}
      >
        <span class="mlb-output">{output}</span>
      </Handle>
    ))}
  </div>
));

/** An edge that closes a cycle: it goes back over the boxes. */
export const BackEdge = memo((props: EdgeProps) => {
  const { sourceX, sourceY, targetX, targetY, markerEnd } = props;
  const top = Math.min(sourceY, targetY) - LIFT;
  const path = `M${sourceX},${sourceY} C${sourceX + LIFT},${top} ${targetX - LIFT},${top} ${targetX},${targetY}`;
  return <BaseEdge id={props.id} path={path} {...(markerEnd ? { markerEnd } : {})} />;
});

export const EDGE_TYPES = { back: BackEdge };

export const NODE_TYPES = { frame: FrameNode, source: SourceNode, stage: StageNode };
