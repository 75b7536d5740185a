// Every edit can be undone: forms, edges, positions, names, and what Python changed.
import { describe, expect, it } from "vitest";
import { completed } from "./layout";
import type { Fields } from "./model";
import {
  addPipeline,
  addResource,
  addStage,
  backEdges,
  connect,
  connectThen,
  disconnect,
  edgesOf,
  join,
  predecessorsOf,
  put,
  removeStage,
  renamePipeline,
  renameResource,
  renameStage,
  type Spec,
  stageOf,
  stagesOf,
} from "./spec";
import { Store } from "./store";

const EMPTY: Fields = { name: "untitled", pipelines: {} };

const rag = (): Spec => {
  let [spec] = addPipeline(EMPTY, "rag");
  for (const uses of ["rag.retrieve", "rag.grade", "rag.rewrite", "rag.generate"]) {
    [spec] = addStage(spec, "rag", uses);
  }
  spec = connect(spec, "rag", "retrieve", "grade", "");
  spec = connect(spec, "rag", "grade", "generate", "relevant");
  spec = connect(spec, "rag", "grade", "rewrite", "irrelevant");
  spec = connect(spec, "rag", "rewrite", "retrieve", "");
  return connectThen(spec, "rag", "rewrite", "generate");
};

describe("edits of a spec", () => {
  it("connect by one name, a list, or the outputs of a router", () => {
    const spec = rag();
    expect(stageOf(spec, "rag", "retrieve").to).toBe("grade");
    expect(stageOf(spec, "rag", "grade").to).toEqual({
      relevant: "generate",
      irrelevant: "rewrite",
    });
    const fan = connect(spec, "rag", "retrieve", "generate", "");
    expect(stageOf(fan, "rag", "retrieve").to).toEqual(["grade", "generate"]);
  });

  it("bound a cycle, and know the edge that closes it", () => {
    const spec = rag();
    expect(stageOf(spec, "rag", "rewrite")).toMatchObject({
      to: "retrieve",
      max_visits: 2,
      then: "generate",
    });
    expect([...backEdges(spec, "rag")]).toEqual(["rewrite/retrieve/next/"]);
  });

  it("take away an edge and leave the others", () => {
    const fan = connect(rag(), "rag", "retrieve", "generate", "");
    const edge = edgesOf(fan, "rag").find(
      ({ target, kind }) => target === "grade" && kind === "branch",
    );
    expect(edge).toBeDefined();
    if (edge) expect(stageOf(disconnect(fan, "rag", edge), "rag", "retrieve").to).toBe("generate");
  });

  it("remove a stage with all that leads to it", () => {
    const spec = removeStage(
      put(rag(), ["pipelines", "rag", "entry"], "rewrite"),
      "rag",
      "rewrite",
    );
    expect(Object.keys(stagesOf(spec, "rag"))).toEqual(["retrieve", "grade", "generate"]);
    expect(stageOf(spec, "rag", "grade").to).toEqual({ relevant: "generate" });
    expect((spec.pipelines as Fields).rag).not.toHaveProperty("entry");
  });

  it("remove a stage from the joins that wait for it, and the last one with its list", () => {
    let spec = join(rag(), "rag", "generate", ["rewrite", "grade"]);
    spec = removeStage(spec, "rag", "rewrite");
    expect(stageOf(spec, "rag", "generate").join).toEqual(["grade"]);
    spec = removeStage(spec, "rag", "grade");
    expect(stageOf(spec, "rag", "generate")).not.toHaveProperty("join");
  });

  it("know the stages that lead to one, each once", () => {
    expect(predecessorsOf(rag(), "rag", "generate")).toEqual(["grade", "rewrite"]);
    const twice = connect(rag(), "rag", "grade", "generate", "unsure");
    expect(predecessorsOf(twice, "rag", "generate")).toEqual(["grade", "rewrite"]);
  });

  it("rename a stage and all that leads to it, in its place", () => {
    const spec = renameStage(rag(), "rag", "generate", "answer");
    expect(Object.keys(stagesOf(spec, "rag"))).toEqual(["retrieve", "grade", "rewrite", "answer"]);
    expect(stageOf(spec, "rag", "grade").to).toEqual({ relevant: "answer", irrelevant: "rewrite" });
    expect(stageOf(spec, "rag", "rewrite").then).toBe("answer");
    expect(renameStage(spec, "rag", "answer", "grade")).toBe(spec);
  });

  it("rename a resource and what refers to it", () => {
    let [spec] = addResource(rag(), "rag", "text.model");
    spec = put(spec, ["pipelines", "rag", "stages", "rewrite", "with", "lm"], "$model");
    spec = renameResource(spec, "rag", "model", "lm");
    expect(stageOf(spec, "rag", "rewrite").with).toEqual({ lm: "$lm" });
  });

  it("leave the spec that they were made from as it was", () => {
    const before = rag();
    const told = JSON.stringify(before);
    renameStage(removeStage(before, "rag", "rewrite"), "rag", "grade", "judge");
    expect(JSON.stringify(before)).toBe(told);
  });
});

describe("the store", () => {
  it("takes back twenty mixed edits to the very beginning, and makes them again", () => {
    const store = new Store({ spec: EMPTY, layout: {} });
    const steps: ((spec: Spec) => Spec)[] = [
      (spec) => addPipeline(spec, "rag")[0],
      (spec) => addStage(spec, "rag", "rag.retrieve")[0],
      (spec) => addStage(spec, "rag", "rag.grade")[0],
      (spec) => addStage(spec, "rag", "rag.generate")[0],
      (spec) => connect(spec, "rag", "retrieve", "grade", ""),
      (spec) => connect(spec, "rag", "grade", "generate", "relevant"),
      (spec) => put(spec, ["pipelines", "rag", "load"], { poisson: { rate: 3 } }),
      (spec) => addResource(spec, "rag", "rag.index")[0],
      (spec) => put(spec, ["pipelines", "rag", "stages", "retrieve", "with", "k"], 4),
      (spec) => renameStage(spec, "rag", "generate", "answer"),
      (spec) => addPipeline(spec, "train")[0],
      (spec) => put(spec, ["pipelines", "train", "place", "cpus"], [0]),
      (spec) => renamePipeline(spec, "train", "job"),
      (spec) => put(spec, ["pipelines", "rag", "slo"], { latency_ms: 100 }),
      (spec) => put(spec, ["seed"], 8),
      (spec) => removeStage(spec, "rag", "answer"),
    ];
    const seen = [store.snapshot];
    for (const step of steps) {
      const spec = step(store.snapshot.spec);
      store.apply({ spec, layout: completed(spec, store.snapshot.layout) });
      seen.push(store.snapshot);
      if (seen.length % 4 === 0) {
        const moved = { ...store.snapshot.layout.rag, retrieve: { x: seen.length, y: 7 } };
        store.apply({ layout: { ...store.snapshot.layout, rag: moved } });
        seen.push(store.snapshot);
      }
    }
    expect(seen.length).toBeGreaterThanOrEqual(20);
    for (const snapshot of seen.slice(0, -1).reverse()) {
      store.undo();
      expect(store.snapshot).toBe(snapshot);
    }
    expect(store.canUndo).toBe(false);
    for (const snapshot of seen.slice(1)) {
      store.redo();
      expect(store.snapshot).toBe(snapshot);
    }
    expect(store.canRedo).toBe(false);
  });

  it("makes one step of the letters typed into one field", () => {
    const store = new Store({ spec: EMPTY, layout: {} });
    for (const name of ["a", "ab", "abc"]) store.apply({ spec: { ...EMPTY, name } }, "name");
    store.apply({ spec: { ...EMPTY, name: "abc", seed: 1 } }, "seed");
    store.undo();
    expect(store.snapshot.spec).toEqual({ ...EMPTY, name: "abc" });
    store.undo();
    expect(store.snapshot.spec).toBe(EMPTY);
  });

  it("does nothing where nothing changed", () => {
    const store = new Store({ spec: EMPTY, layout: {} });
    store.apply({ spec: EMPTY });
    expect(store.canUndo).toBe(false);
  });
});
