// A resource: its name, which follows into the stages that share it, and its options.
import type { Session } from "../session";
import { at, put, renameResource, usesOf } from "../spec";
import { About } from "./about";
import { Head } from "./head";
import { Name } from "./name";
import { Options } from "./options";

export function ResourceForms(props: { session: Session; pipeline: string; name: string }) {
  const { session, pipeline, name } = props;
  const path = ["pipelines", pipeline, "resources", name];
  const uses = usesOf(at(session.spec, path));
  const rename = (next: string): boolean =>
    session.rename(renameResource(session.spec, pipeline, name, next), next, {
      kind: "resource",
      pipeline,
      resource: next,
    });
  const remove = (): void => {
    session.edit(put(session.spec, path, undefined));
    session.choose({ kind: "pipeline", pipeline });
  };
  return (
    <>
      <Head remove={remove}>
        <Name label="name of the resource" value={name} change={rename} />
      </Head>
      <About session={session} uses={uses} />
      <Options session={session} path={path} uses={uses} pipeline={pipeline} />
    </>
  );
}
