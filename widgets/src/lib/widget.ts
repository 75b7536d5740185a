// A widget as anywidget has it.

type Mount<Model> = (model: Model, element: HTMLElement, signal: AbortSignal) => unknown;

interface Rendered<Model> {
  model: Model;
  el: HTMLElement;
}

/** What shows a model in an element, and gives back what ends it. */
export function widgetOf<Model>(mount: Mount<Model>) {
  return {
    render({ model, el }: Rendered<Model>): () => void {
      const over = new AbortController();
      mount(model, el, over.signal);
      return () => over.abort();
    },
  };
}
