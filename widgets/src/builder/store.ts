// The one place of all edits: spec and positions together, so that undo takes back both.
import type { Layout } from "./model";
import type { Spec } from "./spec";

/** What is on the canvas at one moment; never changed, only followed by another. */
export interface Snapshot {
  spec: Spec;
  layout: Layout;
}

export type By = "edit" | "python";

const DEPTH = 500;

export class Store {
  private past: Snapshot[] = [];
  private future: Snapshot[] = [];
  private listeners = new Set<(by: By) => void>();
  private group = "";

  constructor(private now: Snapshot) {}

  get snapshot(): Snapshot {
    return this.now;
  }

  get canUndo(): boolean {
    return this.past.length > 0;
  }

  get canRedo(): boolean {
    return this.future.length > 0;
  }

  /**
   * Make an edit. Edits in sequence of one group, such as the letters that are typed into a
   * field, are one step.
   */
  apply(next: Partial<Snapshot>, group = "", by: By = "edit"): void {
    const made = { ...this.now, ...next };
    if (made.spec === this.now.spec && made.layout === this.now.layout) return;
    if (!group || group !== this.group) {
      this.past.push(this.now);
      if (this.past.length > DEPTH) this.past.shift();
    }
    this.group = group;
    this.future = [];
    this.now = made;
    this.tell(by);
  }

  undo(): void {
    const before = this.past.pop();
    if (before === undefined) return;
    this.future.push(this.now);
    this.go(before);
  }

  redo(): void {
    const after = this.future.pop();
    if (after === undefined) return;
    this.past.push(this.now);
    this.go(after);
  }

  listen(call: (by: By) => void): () => void {
    this.listeners.add(call);
    return () => this.listeners.delete(call);
  }

  private go(to: Snapshot): void {
    this.group = "";
    this.now = to;
    this.tell("edit");
  }

  private tell(by: By): void {
    for (const call of this.listeners) call(by);
  }
}
