// The name of what is chosen, which can be changed.

export function Name(props: { label: string; value: string; change: (name: string) => void }) {
  const { label, value, change } = props;
  return (
    <input
      class="mlb-name"
      type="text"
      aria-label={label}
      value={value}
      onChangeCapture={(event) => change(event.currentTarget.value.trim())}
    />
  );
}
