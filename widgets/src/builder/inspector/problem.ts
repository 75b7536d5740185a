// What Python says against a field.
import type { Session } from "../session";

/** The problems of each field of a mapping, and of all below it, as one text. */
export function problemOf(session: Session, path: readonly string[]): (key: string) => string {
  return (key) =>
    session
      .problemsAt([...path, key])
      .map(({ message, hint }) => (hint ? `${message} (${hint})` : message))
      .join("; ");
}
