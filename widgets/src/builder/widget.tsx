// The builder, as anywidget has it.
import { render } from "preact";
import { widgetOf } from "../lib/widget";
import { App } from "./app";
import type { Model } from "./model";
import { Session } from "./session";
import "@xyflow/react/dist/base.css";
import "./builder.css";
import "./graph.css";

/** A builder in an element, until the signal says that it is over. */
export function mount(model: Model, element: HTMLElement, signal: AbortSignal): Session {
  const session = new Session(model, signal);
  render(<App session={session} />, element);
  signal.addEventListener("abort", () => render(null, element));
  return session;
}

export default widgetOf(mount);
