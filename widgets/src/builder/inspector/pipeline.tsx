// A pipeline: its name, its load, its resources, and how it runs.
import type { Session } from "../session";
import { put, renamePipeline } from "../spec";
import { Head } from "./head";
import { LoadForm } from "./load";
import { Name } from "./name";
import { Resources } from "./resources";
import { Section } from "./section";

const SECTIONS: [string, string][] = [
  ["slo", "Service-level objective"],
  ["stop", "Stop rule"],
  ["warmup", "Warm-up"],
  ["place", "Place"],
];

export function PipelineForms({ session, pipeline }: { session: Session; pipeline: string }) {
  const path = ["pipelines", pipeline];
  const forms = session.model.get("forms");
  const rename = (name: string): boolean =>
    session.rename(renamePipeline(session.spec, pipeline, name), name, {
      kind: "pipeline",
      pipeline: name,
    });
  return (
    <>
      <Head remove={() => session.edit(put(session.spec, path, undefined))}>
        <Name label="name of the pipeline" value={pipeline} change={rename} />
      </Head>
      <LoadForm session={session} pipeline={pipeline} />
      <Resources session={session} pipeline={pipeline} />
      {SECTIONS.map(([key, title]) => (
        <Section
          key={key}
          session={session}
          title={title}
          path={[...path, key]}
          schema={forms[key]}
        />
      ))}
      <Section
        session={session}
        title="Execution"
        path={path}
        schema={forms.pipeline}
        skip={["data", "load", "stop", "warmup", "slo", "place", "resources", "stages"]}
      />
    </>
  );
}
