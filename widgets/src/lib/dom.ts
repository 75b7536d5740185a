// Elements of the page. What comes from a spec is text and never markup.

type Attributes = Record<string, string | number | boolean | null | undefined>;

/** An element with attributes and children; strings become text. */
export function h<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Attributes = {},
  ...children: (Node | string | null)[]
): HTMLElementTagNameMap[Name] {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    element.setAttribute(key, value === true ? "" : String(value));
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** A button that says what it does. */
export function button(
  label: string,
  title: string,
  act: () => void,
  signal: AbortSignal,
  name = "",
): HTMLButtonElement {
  const made = h("button", {
    type: "button",
    title,
    "aria-label": title,
    class: `mlw-button ${name}`,
  });
  made.append(label);
  made.addEventListener("click", act, { signal });
  return made;
}

/** Set the text where it differs: a page that changes nothing lays out nothing. */
export function say(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}
