// What Python says of the runs of a directory, and what the browser asks of it.
import type { ModelOf } from "../lib/model";

export interface Row {
  id: string;
  path: string;
  kind: "run" | "study";
  name: string | null;
  status: string | null;
  started: number | null;
  seconds: number | null;
  pipelines: string[];
  verdict: string | null;
  problem: string | null;
  going: boolean;
  progress: number | null;
  told: string;
}

export type Column = "id" | "name" | "started" | "seconds" | "status" | "verdict";

export interface Filters {
  text?: string;
  status?: string;
  verdict?: string;
  sort?: Column;
  up?: boolean;
}

export interface Compared {
  names?: string[];
  rows?: {
    pipeline: string;
    metric: string;
    unit: string;
    first: number | null;
    second: number | null;
    ratio: number | null;
  }[];
}

export interface State {
  where: string;
  rows: Row[];
  filters: Filters;
  chosen: string[];
  asked: { what?: string; number?: number };
  comparison: Compared;
  report_page: DataView;
  said: string;
  timeline: string | null;
}

/** A view of another widget, as the widget manager makes it. */
export interface Manager {
  get_model(id: string): Promise<unknown>;
  create_view(model: unknown): Promise<{ el: HTMLElement; remove(): void }>;
}

export interface Model extends ModelOf<State> {
  widget_manager?: Manager;
}
