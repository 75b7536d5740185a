// Numbers as people read them.

const BINARY = ["B", "KiB", "MiB", "GiB", "TiB"];
const PREFIXES: [number, string][] = [
  [1e9, "G"],
  [1e6, "M"],
  [1e3, "k"],
];

/** Three digits, without zeros that say nothing. */
export function short(value: number): string {
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size >= 100) return value.toFixed(0);
  if (size >= 10) return trimmed(value.toFixed(1));
  if (size >= 0.01) return trimmed(value.toFixed(2));
  return value.toExponential(0);
}

const trimmed = (text: string) => text.replace(/\.?0+$/, "");

/** A value with its unit: `512 MiB`, `1.2 kW`, `37 %`. */
export function quantity(value: number | null | undefined, unit: string): string {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  const [scaled, name] = scale(value, unit);
  return name ? `${short(scaled)} ${name}` : short(scaled);
}

/** A value in the unit that suits it. */
function scale(value: number, unit: string): [number, string] {
  if (unit.startsWith("bytes")) {
    const size = Math.abs(value);
    const step = size < 1024 ? 0 : Math.min(4, Math.floor(Math.log2(size) / 10));
    return [value / 1024 ** step, (BINARY[step] ?? "B") + unit.slice("bytes".length)];
  }
  if (["W", "J", "1/s", "count"].includes(unit)) {
    const prefix = PREFIXES.find(([size]) => Math.abs(value) >= size);
    if (prefix) return [value / prefix[0], prefix[1] + (unit === "count" ? "" : ` ${unit}`)];
    return [value, unit === "count" ? "" : unit];
  }
  return [value, unit === "processors" ? "CPUs" : unit];
}

/** The same for an axis, whose unit stands beside it. */
export function tick(value: number, unit: string): string {
  const [scaled, name] = scale(value, unit);
  if (unit === "%") return `${short(scaled)}%`;
  return unit.startsWith("bytes") && value !== 0
    ? `${short(scaled)} ${name.replace("/s", "")}`
    : short(scaled);
}

/** Seconds after the barrier: `12.34 s`, `3:05.2`. */
export function instant(seconds: number, fine: number): string {
  const digits = Math.min(6, Math.max(0, Math.ceil(-Math.log10(fine))));
  if (Math.abs(seconds) < 120) return `${seconds.toFixed(digits)} s`;
  const sign = seconds < 0 ? "−" : "";
  const whole = Math.abs(seconds);
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  const rest = (whole % 60)
    .toFixed(Math.min(digits, 3))
    .padStart(digits > 0 ? 3 + Math.min(digits, 3) : 2, "0");
  return hours
    ? `${sign}${hours}:${String(minutes).padStart(2, "0")}:${rest}`
    : `${sign}${minutes}:${rest}`;
}

/** A length of time: `250 ms`, `1.5 s`, `3 min`. */
export function duration(seconds: number): string {
  if (seconds < 1) return `${short(seconds * 1e3)} ms`;
  return seconds < 120 ? `${short(seconds)} s` : `${short(seconds / 60)} min`;
}
