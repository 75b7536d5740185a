// Two runs side by side; Python has computed what they have in common.
import { h } from "../lib/dom";
import type { Compared, Row } from "./model";

/** How far from 1 a ratio is drawn at full strength, as its logarithm to base 2. */
const FULL = 1;

export function comparisonTable({ names = [], rows = [] }: Compared, all: Row[]): HTMLElement {
  const titles = names.map((id) => {
    const name = all.find((row) => row.id === id)?.name;
    return h(
      "th",
      { title: id, class: "mlr-number" },
      h("div", {}, name ?? id),
      h("div", { class: "mlr-id" }, id),
    );
  });
  let before = "";
  const lines = rows.map((row) => {
    const first = row.pipeline === before ? "" : row.pipeline;
    before = row.pipeline;
    return h(
      "tr",
      { class: first ? "mlr-first" : "" },
      h("th", { scope: "row" }, first),
      h("td", {}, row.metric, row.unit ? h("span", { class: "mlr-soft" }, ` ${row.unit}`) : null),
      h("td", { class: "mlr-number" }, number(row.first)),
      h("td", { class: "mlr-number" }, number(row.second)),
      ratioCell(row.ratio),
    );
  });
  return h(
    "table",
    { class: "mlr-table mlr-comparison" },
    h(
      "thead",
      {},
      h(
        "tr",
        {},
        h("th", {}, "pipeline"),
        h("th", {}, "metric"),
        ...titles,
        h("th", { class: "mlr-number" }, "ratio"),
      ),
    ),
    h("tbody", {}, ...lines),
  );
}

function ratioCell(ratio: number | null): HTMLElement {
  if (ratio === null || ratio <= 0) return h("td", { class: "mlr-number" }, number(ratio));
  const strength = Math.min(1, Math.abs(Math.log2(ratio)) / FULL);
  const side = ratio > 1 ? "mlr-more" : "mlr-less";
  const bar = h("i", {
    class: `mlr-ratio ${side}`,
    style: `--part:${(50 * strength).toFixed(1)}%`,
  });
  return h("td", { class: "mlr-number" }, `${ratio.toFixed(ratio < 10 ? 3 : 1)}×`, bar);
}

function number(value: number | null): string {
  if (value === null) return "–";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (Number.isInteger(value) && size < 1e7) return String(value);
  return size >= 1e5 || size < 1e-3
    ? value.toExponential(2)
    : Number(value.toPrecision(4)).toString();
}
