// The name of what is chosen, which can be changed.
import { useDraft } from "../draft";

export function Name(props: { label: string; value: string; change: (name: string) => boolean }) {
  const { label, value, change } = props;
  const [text, setText] = useDraft(value);
  const take = (name: string): void => {
    if (name === "" || name === value || !change(name)) setText(value);
  };
  return (
    <input
      class="mlb-name"
      type="text"
      aria-label={label}
      value={text}
      onInput={(event) => setText(event.currentTarget.value)}
      onChangeCapture={(event) => take(event.currentTarget.value.trim())}
    />
  );
}
