// What stands below the lanes: what could not be read and why, and what to know about the rest.
import { h } from "../lib/dom";
import type { Scene } from "./scene";

export function footnotesOf(scene: Scene): HTMLElement[] {
  const absent = scene.absent.map(({ reason, metrics }) => {
    const names =
      metrics.length > 3
        ? `${metrics.slice(0, 3).join(", ")} and ${metrics.length - 3} more`
        : metrics.join(", ");
    return h("div", { title: metrics.join(", ") }, `Not read: ${names}: ${reason}`);
  });
  const notes = scene.notes.map((note) => h("div", {}, note));
  const waits = scene.going && scene.lanes.length === 0;
  const none = waits ? [h("div", {}, "Waiting for the first samples …")] : [];
  return [...none, ...absent, ...notes];
}
