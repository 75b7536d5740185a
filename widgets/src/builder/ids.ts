// Ids of nodes and edges. Names may be anything, so they stand in them encoded.
import type { Link } from "./graph";

const safe = (text: string): string =>
  encodeURIComponent(text.toWellFormed?.() ?? text).replace(/['()*]/g, (each) => `%${each.charCodeAt(0).toString(16)}`);

export const frameId = (pipeline: string): string => safe(pipeline);
export const stageId = (pipeline: string, stage: string): string =>
  `${safe(pipeline)}/${safe(stage)}`;
export const handleId = (output: string | null): string => (output === null ? "out" : `to:${safe(output)}`);
export const linkId = (pipeline: string, link: Link): string =>
  [pipeline, link.kind, link.source, link.output === null ? "out" : `to:${link.output}`, link.target]
    .map(safe)
    .join("/");

export interface Named {
  pipeline: string;
  /** Null for the frame of a pipeline, `DATA` for its data set. */
  stage: string | null;
}

export function nameOf(id: string): Named {
  const [pipeline = "", stage] = id.split("/").map(decodeURIComponent);
  return { pipeline, stage: stage ?? null };
}

export const outputOf = (handle: string | null | undefined): string | null =>
  handle?.startsWith("to:") ? decodeURIComponent(handle.slice(3)) : null;
