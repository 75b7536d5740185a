// What the library says of a name: its summary, and what a stage takes and gives.
import { plain } from "../form";
import type { Session } from "../session";

export function About({ session, uses }: { session: Session; uses: string }) {
  const listed = session.library.get(uses);
  if (!listed) return <p class="mlb-soft">{uses}</p>;
  return (
    <>
      <p class="mlb-uses">{uses}</p>
      <p class="mlb-soft">{plain(listed.summary)}</p>
      {listed.kind === "stage" && (
        <dl class="mlb-types">
          <dt>takes</dt>
          <dd>{listed.takes ?? "anything"}</dd>
          <dt>gives</dt>
          <dd>{listed.gives ?? "nothing"}</dd>
        </dl>
      )}
    </>
  );
}
