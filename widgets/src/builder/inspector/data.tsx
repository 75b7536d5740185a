// The data of a pipeline: which set, its options, and how queries are made of it.
import type { Session } from "../session";
import { at, usesOf } from "../spec";
import { About } from "./about";
import { Head } from "./head";
import { Options } from "./options";
import { Section } from "./section";

export function DataForms({ session, pipeline }: { session: Session; pipeline: string }) {
  const path = ["pipelines", pipeline, "data"];
  const uses = usesOf(at(session.spec, path));
  const sets = [...session.library.values()].filter(({ kind }) => kind === "data");
  return (
    <>
      <Head>
        <b>Data of {pipeline}</b>
      </Head>
      <label class="mlb-field">
        <span class="mlb-field-name">data set</span>
        <select
          aria-label={`data of ${pipeline}`}
          value={uses}
          onChange={(e) => session.add(e.currentTarget.value, pipeline)}
        >
          {!sets.some(({ name }) => name === uses) && (
            <option value={uses}>{uses || "choose"}</option>
          )}
          {sets.map(({ name }) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <About session={session} uses={uses} />
      <Options session={session} path={path} uses={uses} pipeline={pipeline} />
      <Section
        session={session}
        title="Queries"
        path={path}
        schema={session.model.get("forms").data}
        skip={["uses", "with"]}
      />
    </>
  );
}
