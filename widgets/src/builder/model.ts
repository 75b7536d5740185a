// What Python says of a benchmark, and what the browser says back: the traits of the builder.
import type { ModelOf } from "../lib/model";

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

export type Fields = { [key: string]: Json };

/** A JSON schema, or a part of one, as far as a form reads it. */
export interface Schema {
  type?: string | string[];
  title?: string;
  description?: string;
  default?: Json;
  enum?: Json[];
  const?: Json;
  anyOf?: Schema[];
  oneOf?: Schema[];
  items?: Schema;
  properties?: Record<string, Schema>;
  required?: string[];
  pattern?: string;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  additionalProperties?: boolean | Schema;
  $ref?: string;
  $defs?: Record<string, Schema>;
}

/** One name of the library. */
export interface Listed {
  name: string;
  family: string;
  kind: "stage" | "data" | "resource";
  summary?: string;
  documentation?: string;
  takes?: string | null;
  gives?: string | null;
  outputs?: Record<string, string> | null;
  schema?: Schema;
  problem: string | null;
}

export interface Choice {
  name: string;
  summary: string;
  schema: Schema;
}

export interface Lane {
  id: string;
  label: string;
  detail: string;
  kind: "auto" | "cpu" | "gpu" | "mps" | "mig";
  place: Fields;
  available: boolean;
  why: string;
}

export interface Problem {
  path: (string | number)[];
  message: string;
  hint: string;
}

export interface Canvas {
  number: number;
  by: "python" | "browser";
  spec: Fields;
}

export interface Checked {
  number?: number;
  problems?: Problem[];
  yaml?: string;
  python?: string;
}

export interface Point {
  x: number;
  y: number;
}

/** Where the stages stand, by pipeline and stage. */
export type Layout = Record<string, Record<string, Point>>;

export interface State {
  canvas: Canvas;
  places: Layout;
  library: Listed[];
  loads: Choice[];
  sharings: Choice[];
  forms: Record<string, Schema>;
  refused: Record<string, Record<string, string>>;
  machine: { cpus: number[]; lanes: Lane[] };
  checked: Checked;
  asked: { number?: number; what?: string; directory?: string };
  answered: { number?: number; ok?: boolean; said?: string };
  height: number;
}

export type Model = ModelOf<State>;
