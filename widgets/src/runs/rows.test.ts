import { describe, expect, it } from "vitest";
import type { Row } from "./model";
import { filtered, sorted, took } from "./rows";

function row(id: string, changes: Partial<Row> = {}): Row {
  return {
    id,
    path: id,
    kind: "run",
    name: id,
    status: "done",
    started: 1,
    seconds: 2,
    pipelines: [],
    verdict: "VALID",
    problem: null,
    going: false,
    progress: null,
    told: "",
    ...changes,
  };
}

const ids = (rows: Row[]) => rows.map(({ id }) => id);

describe("the filter", () => {
  const rows = [
    row("a", { pipelines: ["rag", "train"] }),
    row("b", { going: true, status: "load", verdict: null }),
    row("c", { problem: "damaged" }),
  ];
  it("takes rows that have every word somewhere", () => {
    expect(ids(filtered(rows, { text: "RAG a" }))).toEqual(["a"]);
    expect(ids(filtered(rows, { text: "rag b" }))).toEqual([]);
  });
  it("takes a status, all that go on, and a verdict", () => {
    expect(ids(filtered(rows, { status: "going" }))).toEqual(["b"]);
    expect(ids(filtered(rows, { status: "unreadable" }))).toEqual(["c"]);
    expect(ids(filtered(rows, { verdict: "none" }))).toEqual(["b"]);
  });
});

describe("the order", () => {
  const rows = [
    row("run-9", { started: 3 }),
    row("run-10", { started: null }),
    row("run-1", { started: 5 }),
  ];
  it("is newest first, and what nobody knows is last either way", () => {
    expect(ids(sorted(rows, {}))).toEqual(["run-1", "run-9", "run-10"]);
    expect(ids(sorted(rows, { up: true }))).toEqual(["run-9", "run-1", "run-10"]);
  });
  it("reads numbers in names", () => {
    expect(ids(sorted(rows, { sort: "name", up: true }))).toEqual(["run-1", "run-9", "run-10"]);
  });
});

it("a duration is short to read", () => {
  expect([took(null), took(3.21), took(75), took(7260)]).toEqual([
    "–",
    "3.2 s",
    "1:15 min",
    "2 h 1 min",
  ]);
});
