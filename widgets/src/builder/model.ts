// What the builder and Python say to each other; Python's side says it in the same words.
import type { JsonObject } from "./json";

export type Schema = JsonObject;

/** Something that a spec can name: a stage, a data set or a resource. */
export interface Entry {
  name: string;
  family: string;
  kind: "stage" | "data" | "resource";
  summary: string;
  documentation: string;
  takes: string | null;
  gives: string | null;
  /** Types by output of a router; empty for others; null where its configuration names them. */
  outputs: Record<string, string> | null;
  schema: Schema;
  problem: string | null;
  example: string;
}

/** A load, or a way of sharing a device: `{NAME: {its options}}`. */
export interface Choice {
  name: string;
  kind?: string;
  summary: string;
  documentation?: string;
  schema: Schema;
}

export interface MachineLane {
  id: string;
  label: string;
  detail: string;
  kind: string;
  place: JsonObject;
  available: boolean;
  why: string;
}

export interface Problem {
  path: (string | number)[];
  message: string;
  hint: string | null;
}

export interface Checked {
  number: number;
  problems: Problem[];
  yaml: string;
  python: string;
}

export interface Canvas {
  number: number;
  by: "python" | "browser";
  spec: JsonObject;
}

export type Layout = Record<string, Record<string, { x: number; y: number }>>;

export interface State {
  canvas: Canvas;
  layout: Layout;
  library: Entry[];
  loads: Choice[];
  sharings: Choice[];
  forms: Record<string, Schema>;
  refused: Record<string, Record<string, string>>;
  machine: { cpus: number[]; lanes: MachineLane[] };
  checked: Checked;
  asked: { number: number; what: string; directory: string };
  answered: { number?: number; ok?: boolean; said?: string };
  height: number;
}

export interface Model {
  get<Key extends keyof State>(name: Key): State[Key];
  set<Key extends keyof State>(name: Key, value: State[Key]): void;
  save_changes(): void;
  on(event: string, call: () => void): void;
  off(event: string, call: () => void): void;
}
