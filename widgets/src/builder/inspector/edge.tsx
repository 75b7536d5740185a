// An edge: from where to where, and when a branch goes there.
import type { Session } from "../session";
import { disconnect, type Edge } from "../spec";
import { Head } from "./head";

export function EdgeForms(props: { session: Session; pipeline: string; edge: Edge }) {
  const { session, pipeline, edge } = props;
  const remove = (): void => {
    session.edit(disconnect(session.spec, pipeline, edge));
    session.choose({ kind: "stage", pipeline, stage: edge.source });
  };
  return (
    <>
      <Head remove={remove}>
        <b>
          {edge.source} → {edge.target}
        </b>
      </Head>
      {edge.output && <p class="mlb-soft">by its output {edge.output}</p>}
      {edge.kind === "then" && <p class="mlb-soft">where a branch goes after its last visit</p>}
    </>
  );
}
