// The one store of every edit: forms, edges, positions and what Python sets are steps of it.
import { same, type JsonObject } from "./json";
import type { Layout } from "./model";

/** All that can be edited, and undone; never changed, only followed by another. */
export interface Document {
  spec: JsonObject;
  layout: Layout;
}

/** A document made of another; the same one where there is nothing to do. */
export type Edit = (before: Document) => Document;

interface Step {
  label: string;
  document: Document;
}

const MAX_STEPS = 500;

export class Store {
  private past: Step[] = [];
  private future: Step[] = [];
  private group: string | null = null;
  private readonly calls = new Set<() => void>();

  constructor(private now: Document) {}

  get document(): Document {
    return this.now;
  }

  /** What undo would take back, and what redo would do again; null where there is nothing. */
  get undoable(): string | null {
    return this.past.at(-1)?.label ?? null;
  }

  get redoable(): string | null {
    return this.future.at(-1)?.label ?? null;
  }

  /**
   * Make an edit; whether it changed anything. Edits with the same group, one right after the
   * other, are one step.
   */
  apply(label: string, edit: Edit, group: string | null = null): boolean {
    const after = edit(this.now);
    if (same(after, this.now)) return false;
    if (group === null || group !== this.group) {
      this.past.push({ label, document: this.now });
      if (this.past.length > MAX_STEPS) this.past.shift();
    }
    this.group = group;
    this.future = [];
    this.become(after);
    return true;
  }

  undo(): void {
    const step = this.past.pop();
    if (step === undefined) return;
    this.future.push({ label: step.label, document: this.now });
    this.group = null;
    this.become(step.document);
  }

  redo(): void {
    const step = this.future.pop();
    if (step === undefined) return;
    this.past.push({ label: step.label, document: this.now });
    this.group = null;
    this.become(step.document);
  }

  /** Call back after each change; the result ends that. */
  subscribe(call: () => void): () => void {
    this.calls.add(call);
    return () => void this.calls.delete(call);
  }

  private become(document: Document): void {
    this.now = document;
    for (const call of [...this.calls]) call();
  }
}
