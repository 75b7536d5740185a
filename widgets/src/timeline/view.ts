// The window of time that is looked at: plain numbers in, plain numbers out.

export interface Window {
  start: number;
  end: number;
}

/** What the window may be: from the first instant to the last that is known. */
export interface Bounds {
  first: number;
  edge: number;
}

export const SHORTEST = 0.002;
const ROOM = 0.02;

export const length = ({ start, end }: Window): number => end - start;

/** All there is, with a little room at the right. */
export function whole({ first, edge }: Bounds): Window {
  const span = Math.max(edge - first, SHORTEST);
  return { start: first, end: first + span * (1 + ROOM) };
}

/** The window that ends at the live edge; before there is that much, it begins at the first. */
export function following(bounds: Bounds, seconds: number | null): Window {
  if (seconds === null) return whole(bounds);
  const start = Math.max(bounds.first, bounds.edge - seconds * (1 - ROOM));
  return { start, end: start + seconds };
}

/** The window by a factor shorter (below 1) or longer, with the instant `at` left in its place. */
export function zoomed(window: Window, factor: number, at: number, bounds: Bounds): Window {
  const longest = Math.max(length(whole(bounds)), SHORTEST);
  const wanted = Math.min(Math.max(length(window) * factor, SHORTEST), longest);
  const share = (at - window.start) / length(window);
  const start = at - share * wanted;
  return inside({ start, end: start + wanted }, bounds);
}

export function panned(window: Window, by: number, bounds: Bounds): Window {
  return inside({ start: window.start + by, end: window.end + by }, bounds);
}

/** The window moved to where there is something; its length stays, unless it is too long. */
export function inside(window: Window, bounds: Bounds): Window {
  const all = whole(bounds);
  if (length(window) >= length(all)) return all;
  if (window.start < all.start) return { start: all.start, end: all.start + length(window) };
  if (window.end > all.end) return { start: all.end - length(window), end: all.end };
  return window;
}

/** Two instants as a stretch, the earlier first, within bounds. */
export function stretch(one: number, other: number, { first, edge }: Bounds): [number, number] {
  const clip = (at: number) => Math.min(Math.max(at, first), edge);
  return [clip(Math.min(one, other)), clip(Math.max(one, other))];
}

/** The edge as it is drawn: it runs on with the clock, so that what comes in steps moves evenly. */
export function advanced(shown: number, edge: number, seconds: number): number {
  if (edge - shown > 2 || shown > edge + 1) return edge;
  const behind = edge - shown;
  return Math.min(edge, shown + seconds * (behind > 0.5 ? 2 : 1));
}
