// The store and the model's traits, kept the same: each edit goes to Python, each of Python's here.
import { heed } from "../lib/heed";
import { same } from "./json";
import type { Model } from "./model";
import { Store } from "./store";

export class Link {
  readonly store: Store;
  private number: number;
  private listening = false;

  constructor(
    private readonly model: Model,
    signal: AbortSignal,
  ) {
    const { number, spec } = model.get("canvas");
    this.number = number;
    this.store = new Store({ spec, layout: model.get("layout") });
    const end = this.store.subscribe(() => this.send());
    signal.addEventListener("abort", end, { once: true });
    heed(model, ["canvas"], () => this.take(), signal);
  }

  /** The number of the canvas as it is now: what Python has checked may be older. */
  get canvas(): number {
    return this.number;
  }

  private send(): void {
    if (this.listening) return;
    const { spec, layout } = this.store.document;
    this.number += 1;
    this.model.set("canvas", { number: this.number, by: "browser", spec });
    this.model.set("layout", layout);
    this.model.save_changes();
  }

  /** A change by Python, or by another view of the same widget; an echo is none. */
  private take(): void {
    const { number, by, spec } = this.model.get("canvas");
    if (by === "browser" && number <= this.number) return;
    const behind = number < this.number;
    const layout = this.model.get("layout");
    this.number = Math.max(number, this.number);
    if (same(spec, this.store.document.spec)) return;
    this.listening = true;
    const label = by === "python" ? "the change in Python" : "the change in another view";
    this.store.apply(label, () => ({ spec, layout }));
    this.listening = false;
    if (behind) this.send();
  }
}
