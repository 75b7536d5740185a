// Which rows are shown, in which order: plain data in, plain data out.
import type { Column, Filters, Row } from "./model";

export const UNREADABLE = "unreadable";

/** How a run stands, in one word. */
export const statusOf = (row: Row): string =>
  row.problem === null ? (row.status ?? "–") : UNREADABLE;

/** The rows that have all words of the text somewhere, and that status and verdict. */
export function filtered(rows: Row[], { text = "", status = "", verdict = "" }: Filters): Row[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return rows.filter((row) => {
    if (status && (status === "going" ? !row.going : statusOf(row) !== status)) return false;
    if (verdict && (row.verdict ?? "none") !== verdict) return false;
    const said = [row.id, row.name ?? "", row.kind, ...row.pipelines].join(" ").toLowerCase();
    return words.every((word) => said.includes(word));
  });
}

/** The rows in order of a column; where nothing is known stands last, whichever way it goes. */
export function sorted(rows: Row[], { sort = "started", up = false }: Filters): Row[] {
  const value = (row: Row) =>
    sort === "status" ? statusOf(row) : row[sort as Exclude<Column, "status">];
  return [...rows].sort((one, other) => {
    const [a, b] = [value(one), value(other)];
    if (a === null || b === null) return Number(a === null) - Number(b === null);
    const order =
      typeof a === "number" && typeof b === "number"
        ? a - b
        : String(a).localeCompare(String(b), "en", { numeric: true });
    return up ? order : -order;
  });
}

export function took(seconds: number | null): string {
  if (seconds === null) return "–";
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 1 : 0)} s`;
  const minutes = Math.floor(seconds / 60);
  const rest = String(Math.round(seconds % 60)).padStart(2, "0");
  return minutes < 60
    ? `${minutes}:${rest} min`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

export function started(seconds: number | null): string {
  if (seconds === null) return "–";
  const at = new Date(seconds * 1e3);
  const two = (number: number) => String(number).padStart(2, "0");
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())}`;
}
