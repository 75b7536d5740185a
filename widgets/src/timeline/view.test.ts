import { describe, expect, it } from "vitest";
import { advanced, following, inside, length, panned, stretch, whole, zoomed } from "./view";

const bounds = { first: -1, edge: 100 };

describe("a window that follows", () => {
  it("ends behind the live edge, and begins with the run while that is short", () => {
    expect(following(bounds, 10).end).toBeGreaterThan(100);
    expect(length(following(bounds, 10))).toBeCloseTo(10);
    expect(following({ first: 0, edge: 3 }, 60)).toEqual({ start: 0, end: 60 });
  });
});

describe("zoom", () => {
  it("leaves the instant under the pointer in its place", () => {
    const before = { start: 20, end: 40 };
    const after = zoomed(before, 0.5, 25, bounds);
    expect(length(after)).toBeCloseTo(10);
    expect((25 - after.start) / length(after)).toBeCloseTo(0.25);
  });

  it("never shows more than there is, nor less than a few milliseconds", () => {
    expect(length(zoomed({ start: 20, end: 40 }, 1e6, 30, bounds))).toBeCloseTo(
      length(whole(bounds)),
    );
    expect(length(zoomed({ start: 20, end: 40 }, 1e-9, 30, bounds))).toBeCloseTo(0.002);
  });
});

describe("pan", () => {
  it("stops where the run begins and ends", () => {
    expect(panned({ start: 0, end: 10 }, -50, bounds)).toEqual({ start: -1, end: 9 });
    expect(panned({ start: 0, end: 10 }, 500, bounds).end).toBeCloseTo(whole(bounds).end);
  });

  it("keeps a window that is inside as it is", () => {
    expect(inside({ start: 5, end: 6 }, bounds)).toEqual({ start: 5, end: 6 });
  });
});

it("a brush is in order and inside of the run, whichever way it was drawn", () => {
  expect(stretch(120, 7, bounds)).toEqual([7, 100]);
});

describe("the edge as it is drawn", () => {
  it("runs on with the clock, and never beyond what is known", () => {
    expect(advanced(9.9, 10.1, 0.1)).toBeCloseTo(10);
    expect(advanced(10, 10.05, 0.1)).toBeCloseTo(10.05);
  });
  it("jumps where it is far behind", () => {
    expect(advanced(1, 10, 0.1)).toBe(10);
  });
});
