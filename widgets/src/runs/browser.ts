// The runs and studies of a directory: a table to filter, sort and choose from, and what one
// does with what is chosen.
import { button, h, say } from "../lib/dom";
import { heed } from "../lib/heed";
import { comparisonTable } from "./comparison";
import type { Column, Filters, Model, Row } from "./model";
import { reportLink } from "./report";
import { filtered, sorted, started, statusOf, took } from "./rows";

const COLUMNS: [Column, string][] = [
  ["name", "name"],
  ["started", "started"],
  ["seconds", "took"],
  ["status", "status"],
  ["verdict", "verdict"],
];
const AT_FIRST = 100;

export class RunBrowser {
  private readonly root: HTMLElement;
  private readonly count = h("span", { class: "mlr-soft", role: "status" });
  private readonly text = h("input", {
    type: "search",
    placeholder: "Filter by name, pipeline, id",
    "aria-label": "filter runs",
  });
  private readonly status = h("select", { "aria-label": "status" });
  private readonly verdict = h("select", { "aria-label": "verdict" });
  private readonly head = h("tr", {});
  private readonly body = h("tbody", {});
  private readonly more: HTMLButtonElement;
  private readonly said = h("span", { class: "mlr-said", role: "status", "aria-live": "polite" });
  private readonly actions: Record<"timeline" | "report" | "compare", HTMLButtonElement>;
  private readonly compared = h("div", { class: "mlr-compared" });
  private readonly below = h("div", { class: "mlr-timeline" });
  private readonly link = h("span", {});
  private readonly made = new Map<string, { key: string; element: HTMLElement }>();
  private limit = AT_FIRST;
  private number = 0;
  private shownKey = "";
  private shownTimeline: string | null = null;

  constructor(
    private readonly model: Model,
    host: HTMLElement,
    private readonly signal: AbortSignal,
  ) {
    this.more = button("Show all", "Show all runs", () => this.showAll(), signal);
    this.actions = {
      timeline: button(
        "Timeline",
        "Open the chosen run as a timeline below",
        () => this.ask("timeline"),
        signal,
      ),
      compare: button(
        "Compare",
        "Compare the two that are chosen",
        () => this.ask("compare"),
        signal,
      ),
      report: button(
        "Report",
        "Write the chosen run or study as one HTML page",
        () => this.ask("report"),
        signal,
      ),
    };
    const table = h("table", { class: "mlr-table" }, h("thead", {}, this.head), this.body);
    this.root = h(
      "div",
      {
        class: "mlr",
        tabindex: 0,
        role: "group",
        "aria-label": "runs",
        "data-lm-suppress-shortcuts": "true",
      },
      h(
        "div",
        { class: "mlr-bar" },
        h("span", { class: "mlr-title" }, `Runs in ${model.get("where")}`),
        this.count,
      ),
      h(
        "div",
        { class: "mlr-bar" },
        this.text,
        this.status,
        this.verdict,
        h("span", { class: "mlr-grow" }),
        ...Object.values(this.actions),
      ),
      h("div", { class: "mlr-scroll" }, table, this.more),
      h("div", { class: "mlr-bar mlr-last" }, this.said, this.link),
      this.compared,
      this.below,
    );
    host.append(this.root);
    this.attach();
    this.adopt();
    this.take();
    this.tellComparison();
    void this.showTimeline();
  }

  private attach(): void {
    const { model, signal } = this;
    heed(model, ["rows", "chosen"], () => this.take(), signal);
    heed(model, ["filters"], () => this.adopt(), signal);
    heed(model, ["comparison"], () => this.tellComparison(), signal);
    const tell = (): void => say(this.said, model.get("said"));
    heed(model, ["said"], tell, signal);
    tell();
    heed(
      model,
      ["report_page"],
      () => this.link.replaceChildren(reportLink(model.get("report_page"), signal)),
      signal,
    );
    heed(model, ["timeline"], () => void this.showTimeline(), signal);
    this.text.addEventListener("input", () => this.filter({ text: this.text.value }), { signal });
    this.status.addEventListener("change", () => this.filter({ status: this.status.value }), {
      signal,
    });
    this.verdict.addEventListener("change", () => this.filter({ verdict: this.verdict.value }), {
      signal,
    });
    this.body.addEventListener("click", (event) => this.click(event), { signal });
    this.head.addEventListener("click", (event) => this.order(event), { signal });
    signal.addEventListener("abort", () => this.root.remove());
  }

  // -- filters and order --------------------------------------------------------------------

  private filter(change: Filters): void {
    this.model.set("filters", { ...this.model.get("filters"), ...change });
    this.model.save_changes();
    this.take();
  }

  private adopt(): void {
    const { text = "" } = this.model.get("filters");
    if (this.text.value !== text) this.text.value = text;
    this.take();
  }

  private choices(rows: Row[]): void {
    const filters = this.model.get("filters");
    const statuses = [...new Set(rows.map(statusOf))].sort();
    options(
      this.status,
      [["", "any status"], ["going", "going on"], ...statuses.map((s): [string, string] => [s, s])],
      filters.status,
    );
    options(
      this.verdict,
      [
        ["", "any verdict"],
        ["VALID", "VALID"],
        ["INVALID", "INVALID"],
        ["none", "no verdict"],
      ],
      filters.verdict,
    );
  }

  private heads(filters: Filters): void {
    const { sort = "started", up = false } = filters;
    this.head.replaceChildren(
      h("th", { class: "mlr-check" }),
      ...COLUMNS.map(([column, text]) => {
        const mine = column === sort;
        const order = h(
          "button",
          { type: "button", class: "mlr-sort", title: `Sort by ${text}`, "data-column": column },
          `${text}${mine ? (up ? " ▴" : " ▾") : ""}`,
        );
        return h("th", { "aria-sort": mine ? (up ? "ascending" : "descending") : "none" }, order);
      }),
    );
  }

  // -- rows -----------------------------------------------------------------------------------

  private take(): void {
    const { model } = this;
    const filters = model.get("filters");
    const rows = model.get("rows");
    const found = sorted(filtered(rows, filters), filters);
    const key = JSON.stringify([found, filters, model.get("chosen"), this.limit]);
    if (key === this.shownKey) return;
    this.shownKey = key;
    this.choices(rows);
    const focused = this.root.contains(document.activeElement)
      ? (document.activeElement as HTMLElement).dataset
      : {};
    this.heads(filters);
    this.body.replaceChildren(...found.slice(0, this.limit).map((row) => this.kept(row)));
    if (!found.length) this.body.append(this.empty(rows.length));
    this.more.hidden = found.length <= this.limit;
    this.refocus(focused);
    const going = rows.filter((row) => row.going).length;
    const few = found.length < rows.length ? `${found.length} of ` : "";
    say(this.count, `${few}${rows.length}${going ? ` · ${going} going on` : ""}`);
    this.able();
  }

  /** The element that had the focus was replaced: give it to its successor. */
  private refocus({ run, column }: DOMStringMap): void {
    const wanted = run
      ? `[data-run="${CSS.escape(run)}"]`
      : column
        ? `[data-column="${CSS.escape(column)}"]`
        : null;
    if (wanted) this.root.querySelector<HTMLElement>(wanted)?.focus();
  }

  private empty(all: number): HTMLElement {
    const text = all
      ? "No run is like that."
      : "No runs here yet: mb.start(bench) or `mlbench run SPEC` makes them.";
    return h("tr", {}, h("td", { colspan: 6, class: "mlr-soft mlr-empty" }, text));
  }

  private row(row: Row): HTMLElement {
    const chosen = this.model.get("chosen").includes(row.id);
    const label = `choose ${row.name ?? row.id}, ${started(row.started)}, ${statusOf(row)}`;
    const box = h("input", {
      type: "checkbox",
      "aria-label": label,
      "data-run": row.id,
      disabled: row.problem !== null,
    });
    box.checked = chosen;
    const kind = row.kind === "study" ? h("span", { class: "mlr-kind" }, "study") : null;
    const who =
      row.pipelines.join(", ") || (row.problem === null && row.kind === "run" ? "recording" : "");
    const name = h(
      "td",
      { class: "mlr-name" },
      h("div", {}, h("span", {}, row.name ?? row.id), kind, h("span", { class: "mlr-soft" }, who)),
      h("div", { class: "mlr-id" }, row.problem ?? row.id),
    );
    const made = h(
      "tr",
      { class: chosen ? "mlr-chosen" : "", "data-id": row.id },
      h("td", { class: "mlr-check" }, box),
      name,
      h("td", {}, started(row.started)),
      h("td", { class: "mlr-number" }, took(row.seconds)),
      this.statusCell(row),
      h(
        "td",
        {},
        h("span", { class: `mlr-pill mlr-${row.verdict ?? "none"}` }, row.verdict ?? "–"),
      ),
    );
    return made;
  }

  /** A row made before is used again while it says the same: hover and focus stay. */
  private kept(row: Row): HTMLElement {
    const key = JSON.stringify([row, this.model.get("chosen").includes(row.id)]);
    const old = this.made.get(row.id);
    const element = old?.key === key ? old.element : this.row(row);
    this.made.set(row.id, { key, element });
    return element;
  }

  private click(event: Event): void {
    const target = event.target as HTMLElement;
    const row = this.model.get("rows").find(({ id }) => id === target.closest("tr")?.dataset.id);
    if (!row || row.problem !== null || target.closest("a")) return;
    this.choose(row.id, !this.model.get("chosen").includes(row.id));
  }

  private order(event: Event): void {
    const column = (event.target as HTMLElement).dataset.column as Column | undefined;
    if (!column) return;
    const { sort = "started", up = false } = this.model.get("filters");
    this.filter({ sort: column, up: column === sort ? !up : column === "name" });
  }

  private statusCell(row: Row): HTMLElement {
    const status = statusOf(row);
    const name = row.going ? "going" : status;
    const pill = h("span", { class: `mlr-pill mlr-${name}` }, status);
    if (!row.going) return h("td", {}, pill);
    const share = row.progress === null ? null : Math.round(100 * row.progress);
    const bar = h("div", {
      class: share === null ? "mlr-bar-of mlr-unknown" : "mlr-bar-of",
      role: "progressbar",
      "aria-label": "progress",
      "aria-valuenow": share,
      "aria-valuetext": row.told,
    });
    bar.append(h("i", { style: `width:${share ?? 100}%` }));
    return h(
      "td",
      {},
      h("div", { class: "mlr-going-on" }, pill, h("span", { class: "mlr-soft" }, row.told)),
      bar,
    );
  }

  private choose(id: string, chosen: boolean): void {
    const others = this.model.get("chosen").filter((each) => each !== id);
    this.model.set("chosen", chosen ? [...others, id] : others);
    this.model.save_changes();
    this.take();
  }

  private showAll(): void {
    this.limit = Number.POSITIVE_INFINITY;
    this.take();
  }

  // -- what is done with what is chosen ---------------------------------------------------------

  private able(): void {
    const chosen = this.model.get("chosen");
    const rows = this.model.get("rows").filter((row) => chosen.includes(row.id));
    this.actions.timeline.disabled = !rows.some((row) => row.kind === "run");
    this.actions.report.disabled = rows.length === 0;
    this.actions.compare.disabled = rows.length !== 2 || rows[0]?.kind !== rows[1]?.kind;
  }

  private ask(what: string): void {
    this.number += 1;
    this.link.replaceChildren();
    say(
      this.said,
      what === "report"
        ? "Asked for the report …"
        : `Asked for the ${what === "compare" ? "comparison" : what} …`,
    );
    this.model.set("asked", { what, number: Date.now() + this.number });
    this.model.save_changes();
  }

  private tellComparison(): void {
    const comparison = this.model.get("comparison");
    if (comparison?.rows) say(this.said, "");
    this.compared.replaceChildren(
      ...(comparison?.rows ? [comparisonTable(comparison, this.model.get("rows"))] : []),
    );
  }

  private async showTimeline(): Promise<void> {
    const { model } = this;
    const reference = model.get("timeline");
    if (reference === this.shownTimeline) return;
    const asked = this.number > 0;
    this.shownTimeline = reference;
    this.below.replaceChildren();
    if (!reference || !model.widget_manager) return;
    say(this.said, "");
    const child = await model.widget_manager.get_model(reference.replace("IPY_MODEL_", ""));
    const view = await model.widget_manager.create_view(child);
    if (this.signal.aborted || this.shownTimeline !== reference) {
      view.remove();
      return;
    }
    this.signal.addEventListener("abort", () => view.remove(), { once: true });
    const shut = button(
      "Close the timeline",
      "Close the timeline",
      () => this.ask("close"),
      this.signal,
    );
    this.below.replaceChildren(view.el, h("div", { class: "mlr-bar" }, shut));
    if (asked) this.below.scrollIntoView({ block: "nearest" });
  }
}

function options(select: HTMLSelectElement, choices: [string, string][], chosen = ""): void {
  const key = JSON.stringify(choices);
  if (select.dataset.key !== key) {
    select.dataset.key = key;
    select.replaceChildren(...choices.map(([value, text]) => h("option", { value }, text)));
  }
  if (select.value !== chosen) select.value = chosen;
}
