// The timeline of a run, as anywidget has it.
import "uplot/dist/uPlot.min.css";
import "./timeline.css";
import { widgetOf } from "../lib/widget";
import type { Model } from "./model";
import { Timeline } from "./timeline";

/** A timeline in an element, until the signal says that it is over. */
export function mount(model: Model, element: HTMLElement, signal: AbortSignal): Timeline {
  return new Timeline(model, element, signal);
}

export default widgetOf(mount);
