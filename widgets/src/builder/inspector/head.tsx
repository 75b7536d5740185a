// The head of the forms: what is chosen, and the button that takes it away.
import type { ComponentChildren } from "preact";

export function Head(props: { children: ComponentChildren; remove?: () => void }) {
  const { children, remove } = props;
  return (
    <header class="mlb-inspector-head">
      {children}
      {remove && (
        <button type="button" onClick={remove}>
          Delete
        </button>
      )}
    </header>
  );
}
