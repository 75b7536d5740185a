// The load of a pipeline: which one, and its options.
import { Form, withField } from "../form";
import type { Json } from "../model";
import type { Session } from "../session";
import { at, fieldsOf, loadOf, pipelineOf, put } from "../spec";
import { problemOf } from "./problem";

export function LoadForm({ session, pipeline }: { session: Session; pipeline: string }) {
  const path = ["pipelines", pipeline, "load"];
  const loads = session.model.get("loads");
  const name = loadOf(pipelineOf(session.spec, pipeline));
  const known = loads.find((each) => each.name === name);
  const options = (): Json | undefined => at(session.spec, [...path, name]);
  const choose = (next: string): void => {
    const required = loads.find((each) => each.name === next)?.schema.required ?? [];
    const begun = Object.fromEntries(required.map((key) => [key, 1]));
    session.edit(put(session.spec, path, { [next]: begun }));
  };
  return (
    <section class="mlb-section">
      <label class="mlb-field">
        <span class="mlb-field-name">load</span>
        <select
          aria-label={`load of ${pipeline}`}
          value={name}
          onChange={(e) => choose(e.currentTarget.value)}
        >
          {loads.map((each) => (
            <option key={each.name} value={each.name}>
              {each.name}
            </option>
          ))}
        </select>
        <span class="mlb-field-note">{known?.summary}</span>
      </label>
      <Form
        schema={known?.schema ?? {}}
        value={fieldsOf(options())}
        resources={[]}
        change={(key, value) =>
          session.edit(
            put(session.spec, path, { [name]: withField(options(), key, value) ?? {} }),
            [...path, key].join("/"),
          )
        }
        problem={problemOf(session, [...path, name])}
        idPrefix={`mlb-load-${pipeline}`}
      />
    </section>
  );
}
