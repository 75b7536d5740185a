// A stage: its name, its edges, its options.
import type { Session } from "../session";
import { removeStage, renameStage, stageOf, usesOf } from "../spec";
import { About } from "./about";
import { ConnectTo } from "./connect";
import { Head } from "./head";
import { Join } from "./join";
import { Name } from "./name";
import { Options } from "./options";
import { Section } from "./section";

export function StageForms(props: { session: Session; pipeline: string; stage: string }) {
  const { session, pipeline, stage } = props;
  const path = ["pipelines", pipeline, "stages", stage];
  const uses = usesOf(stageOf(session.spec, pipeline, stage));
  const rename = (name: string): boolean =>
    session.rename(renameStage(session.spec, pipeline, stage, name), name, {
      kind: "stage",
      pipeline,
      stage: name,
    });
  return (
    <>
      <Head remove={() => session.edit(removeStage(session.spec, pipeline, stage))}>
        <Name label="name of the stage" value={stage} change={rename} />
      </Head>
      <About session={session} uses={uses} />
      <ConnectTo session={session} pipeline={pipeline} stage={stage} />
      <Options session={session} path={path} uses={uses} pipeline={pipeline} />
      <Section
        session={session}
        title="Edges, batches and workers"
        path={path}
        schema={session.model.get("forms").stage}
        skip={["uses", "with", "to", "join"]}
      >
        <Join session={session} pipeline={pipeline} stage={stage} />
      </Section>
    </>
  );
}
