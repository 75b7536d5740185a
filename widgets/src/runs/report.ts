// A report as a link that opens it in a page of its own.
import { h } from "../lib/dom";

/** The link; what it opens is shut in a frame, so that nothing in it reaches JupyterLab. */
export function reportLink(page: DataView, signal: AbortSignal): HTMLElement {
  if (!page?.byteLength) return h("span", {});
  const own = page.buffer.slice(page.byteOffset, page.byteOffset + page.byteLength) as ArrayBuffer;
  const inner = URL.createObjectURL(new Blob([own], { type: "text/html" }));
  const frame = `<!doctype html><title>Report</title><style>html,body,iframe{margin:0;border:0;width:100%;height:100%}</style><iframe sandbox="allow-scripts" src="${inner}"></iframe>`;
  const outer = URL.createObjectURL(new Blob([frame], { type: "text/html" }));
  signal.addEventListener("abort", () => {
    URL.revokeObjectURL(inner);
    URL.revokeObjectURL(outer);
  });
  return h(
    "a",
    { href: outer, target: "_blank", rel: "noopener", class: "mlr-link" },
    "Open the report",
  );
}
