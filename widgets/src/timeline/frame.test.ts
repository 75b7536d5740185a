import { describe, expect, it } from "vitest";
import { bridged, decodeSamples, decodeWork, joined } from "./frame";
import { sampleFrame, shareFrame, spanFrame } from "./made";

describe("a frame of samples", () => {
  it("has its bins by series", () => {
    const frame = decodeSamples(
      sampleFrame({ first: -2, width: 0.5, edge: 1.25, series: { 7: [1, 2, Number.NaN] } }),
    );
    expect(frame).toMatchObject({ sequence: 1, first: -2, count: 3, width: 0.5, edge: 1.25 });
    expect(Array.from(frame?.series.get(7)?.mean ?? [])).toEqual([1, 2, Number.NaN]);
    expect(Array.from(frame?.series.get(7)?.low ?? [])).toEqual([0, 1, Number.NaN]);
    expect(Array.from(frame?.series.get(7)?.high ?? [])).toEqual([2, 3, Number.NaN]);
  });

  it("is read wherever it begins in a buffer that it shares", () => {
    const frame = sampleFrame({ series: { 0: [4] } });
    const shared = new Uint8Array(frame.byteLength + 3);
    shared.set(new Uint8Array(frame.buffer), 3);
    expect(decodeSamples(new DataView(shared.buffer, 3))?.series.get(0)?.mean[0]).toBe(4);
  });

  it("is none where it is empty, foreign, of another version or torn", () => {
    expect(decodeSamples(new DataView(new ArrayBuffer(0)))).toBeNull();
    expect(decodeSamples(shareFrame([[1]]))).toBeNull();
    const later = sampleFrame({ series: { 0: [1] } });
    later.setUint32(4, 2, true);
    expect(decodeSamples(later)).toBeNull();
    const torn = sampleFrame({ series: { 0: [1, 2] } });
    expect(decodeSamples(new DataView(torn.buffer, 0, torn.byteLength - 1))).toBeNull();
  });
});

describe("a frame and the part that grows", () => {
  it("are one, in which the part counts", () => {
    const whole = decodeSamples(sampleFrame({ first: 10, series: { 0: [1, 2] } }));
    const tail = decodeSamples(sampleFrame({ first: 11, edge: 9, series: { 0: [5, 6] } }));
    const both = joined(whole, tail);
    expect(both).toMatchObject({ first: 10, count: 3, edge: 9 });
    expect(Array.from(both?.series.get(0)?.mean ?? [])).toEqual([1, 5, 6]);
  });

  it("are not one where the part belongs to another frame, or does not meet it", () => {
    const whole = decodeSamples(sampleFrame({ first: 10, series: { 0: [1, 2] } }));
    const other = decodeSamples(sampleFrame({ sequence: 2, first: 12, series: { 0: [3] } }));
    const apart = decodeSamples(sampleFrame({ first: 13, series: { 0: [3] } }));
    expect(joined(whole, other)).toBe(whole);
    expect(joined(whole, apart)).toBe(whole);
  });
});

describe("a frame of work", () => {
  it("has shares by row", () => {
    const work = decodeWork(
      shareFrame([
        [0, 255],
        [128, 0],
      ]),
    );
    expect(work).toMatchObject({ kind: "shares", count: 2 });
    expect(work?.kind === "shares" && Array.from(work.levels)).toEqual([0, 255, 128, 0]);
  });

  it("has spans, when they are few", () => {
    const work = decodeWork(spanFrame(2, [{ start: 0.5, length: 1, row: 3, outcome: 1 }]));
    expect(work).toMatchObject({ kind: "spans", count: 1, origin: 2 });
    expect(
      work?.kind === "spans" && [work.start[0], work.length[0], work.row[0], work.outcome[0]],
    ).toEqual([0.5, 1, 3, 1]);
  });
});

describe("bins that are narrower than readings are apart", () => {
  const gap = Number.NaN;
  it("are filled along a line", () => {
    expect(bridged(Float32Array.of(0, gap, 2), 2)).toEqual([0, 1, 2]);
  });
  it("stay empty where nobody read for longer, and at both ends", () => {
    expect(bridged(Float32Array.of(gap, 0, gap, gap, 3, gap), 2)).toEqual([
      null,
      0,
      null,
      null,
      3,
      null,
    ]);
  });
});
