// What is chosen, as forms: a stage, a pipeline, its data, a resource, an edge, or all of it.
import type { Session } from "../session";
import { BenchmarkForms } from "./benchmark";
import { DataForms } from "./data";
import { EdgeForms } from "./edge";
import { PipelineForms } from "./pipeline";
import { ResourceForms } from "./resource";
import { StageForms } from "./stage";

export function Inspector({ session }: { session: Session }) {
  const { choice } = session;
  switch (choice.kind) {
    case "stage":
      return <StageForms session={session} pipeline={choice.pipeline} stage={choice.stage} />;
    case "pipeline":
      return <PipelineForms session={session} pipeline={choice.pipeline} />;
    case "data":
      return <DataForms session={session} pipeline={choice.pipeline} />;
    case "resource":
      return <ResourceForms session={session} pipeline={choice.pipeline} name={choice.resource} />;
    case "edge":
      return <EdgeForms session={session} pipeline={choice.pipeline} edge={choice.edge} />;
    default:
      return <BenchmarkForms session={session} />;
  }
}
