// Traits of a model, listened to until a signal says that it is over.
import type { Speaks } from "./model";

/** Call back when one of the traits changes. */
export function heed(
  model: Speaks,
  names: readonly string[],
  call: () => void,
  signal: AbortSignal,
): void {
  for (const name of names) model.on(`change:${name}`, call);
  signal.addEventListener("abort", () => {
    for (const name of names) model.off(`change:${name}`, call);
  });
}
