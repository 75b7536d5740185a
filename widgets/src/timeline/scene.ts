// What Python says of a run, without its numbers: mlbench/widgets/timeline/layout.py makes it.

export interface Series {
  id: number;
  name: string;
  device: string | null;
  pipeline: string | null;
}

export interface Lane {
  metric: string;
  title: string;
  unit: string;
  source: string;
  stand_in: boolean;
  meaning: string;
  period: number | null;
  thinned: boolean;
  series: Series[];
}

export interface Row {
  code: number;
  stage: string;
}

export interface Pipeline {
  name: string;
  colour: string;
  rows: Row[];
}

export interface Phase {
  name: string;
  start: number;
  end: number | null;
}

export interface Mark {
  at: number;
  kind: "good" | "bad" | "note";
  text: string;
}

export interface Scene {
  id: string;
  name: string;
  status: string;
  going: boolean;
  verdict: string | null;
  first: number;
  phases: Phase[];
  window: [number, number] | null;
  marks: Mark[];
  pipelines: Pipeline[];
  lanes: Lane[];
  absent: { reason: string; metrics: string[] }[];
  notes: string[];
}

/** What the browser asks for; null seconds are all there is. */
export interface Asked {
  follow?: boolean;
  start?: number | null;
  seconds?: number | null;
  pixels?: number;
}

export interface State {
  scene: Scene;
  frame: DataView;
  tail: DataView;
  work: DataView;
  view: Asked;
  lanes: string[];
  hidden: string[];
  brushed: number[];
  stop_asked: boolean;
  stop_heard: boolean;
}

/** Who a series is of: what one hides in all lanes at once. */
export const owner = (series: Series): string => series.pipeline ?? series.device ?? "machine";
