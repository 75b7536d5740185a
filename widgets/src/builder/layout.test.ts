// Where stages stand, and that what was placed stays there.
import { expect, it } from "vitest";
import { arranged, completed, frames, inside, NODE, outside } from "./layout";
import type { Fields } from "./model";

const SPEC: Fields = {
  name: "two",
  pipelines: {
    a: {
      stages: {
        first: { uses: "x", to: ["left", "right"] },
        left: { uses: "x", to: "last" },
        right: { uses: "x", to: "last" },
        last: { uses: "x", to: "first", max_visits: 2 },
      },
    },
    b: { stages: { only: { uses: "x" } } },
    empty: {},
  },
};

it("goes from left to right, and no two stages overlap", () => {
  const places = arranged(SPEC, "a");
  const { first, left, right, last } = places;
  expect(first?.x).toBe(0);
  expect(left?.x).toBeGreaterThan((first?.x ?? 0) + NODE.width);
  expect(last?.x).toBeGreaterThan(left?.x ?? 0);
  expect(Math.abs((left?.y ?? 0) - (right?.y ?? 0))).toBeGreaterThan(NODE.height);
});

it("leaves what has a place there, and puts what is new beside it", () => {
  const before = { a: { first: { x: 500, y: 40 }, left: { x: 3, y: 4 } } };
  const after = completed(SPEC, before);
  expect(after.a?.first).toEqual({ x: 500, y: 40 });
  expect(after.a?.left).toEqual({ x: 3, y: 4 });
  expect(after.a?.last).toBeDefined();
  expect(Object.keys(after)).toEqual(["a", "b", "empty"]);
});

it("frames pipelines below each other, around their stages", () => {
  const boxes = frames(SPEC, completed(SPEC, {}));
  const { a, b, empty } = boxes;
  expect(b?.y).toBeGreaterThan((a?.y ?? 0) + (a?.height ?? 0));
  expect(empty?.y).toBeGreaterThan((b?.y ?? 0) + (b?.height ?? 0));
  expect(a?.width).toBeGreaterThan(b?.width ?? 0);
});

it("gives back the place inside of a frame, which no stage leaves to the left or the top", () => {
  expect(outside(inside({ x: 12, y: 34 }))).toEqual({ x: 12, y: 34 });
  expect(outside({ x: -50, y: -50 })).toEqual({ x: 0, y: 0 });
});
