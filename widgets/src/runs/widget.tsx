// The runs of a directory, as anywidget has it.
import { widgetOf } from "../lib/widget";
import { RunBrowser } from "./browser";
import type { Model } from "./model";
import "./runs.css";

/** A run browser in an element, until the signal says that it is over. */
export function mount(model: Model, element: HTMLElement, signal: AbortSignal): RunBrowser {
  return new RunBrowser(model, element, signal);
}

export default widgetOf(mount);
