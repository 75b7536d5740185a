// What is chosen, as forms: a stage, a pipeline, its data, a resource, an edge, or all of it.
import { useState } from "preact/hooks";
import { Form, withField } from "./form";
import type { Fields, Json, Schema } from "./model";
import { outputsOf } from "./scene";
import type { Session } from "./session";
import {
  at,
  disconnect,
  isFields,
  loadOf,
  put,
  removeStage,
  renamePipeline,
  renameResource,
  renameStage,
  resourcesOf,
  stageOf,
  stagesOf,
  usesOf,
} from "./spec";

const EMPTY: Schema = {};

/** A docstring's words without the marks around its code. */
const plain = (text = ""): string => text.replaceAll("`", "");

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
      return <EdgeForms session={session} />;
    default:
      return <BenchmarkForms session={session} />;
  }
}

function problemOf(session: Session, path: readonly string[]): (key: string) => string {
  return (key) =>
    session
      .problemsAt([...path, key])
      .map(({ message, hint }) => (hint ? `${message} (${hint})` : message))
      .join("; ");
}

/** A form over a mapping of the spec, which is made and taken away with its fields. */
function Section(props: {
  session: Session;
  title: string;
  path: string[];
  schema: Schema;
  skip?: readonly string[];
  pipeline?: string;
  open?: boolean;
}) {
  const { session, title, path, schema, skip, pipeline, open = false } = props;
  const value = at(session.spec, path);
  const change = (key: string, next: Json | undefined): void => {
    const whole = path.length === 0 ? put(session.spec, [key], next) : undefined;
    session.edit(
      whole ?? put(session.spec, path, withField(value, key, next)),
      [...path, key].join("/"),
    );
  };
  return (
    <details class="mlb-section" open={open || isFields(value)}>
      <summary>{title}</summary>
      <Form
        schema={schema}
        value={isFields(value) ? value : {}}
        resources={pipeline === undefined ? [] : Object.keys(resourcesOf(session.spec, pipeline))}
        change={change}
        {...(skip ? { skip } : {})}
        problem={problemOf(session, path)}
        idPrefix={`mlb-${path.join("-")}`}
      />
    </details>
  );
}

function Name(props: { label: string; value: string; change: (name: string) => void }) {
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

function About({ session, uses }: { session: Session; uses: string }) {
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

function Options(props: { session: Session; path: string[]; uses: string; pipeline: string }) {
  const schema = props.session.library.get(props.uses)?.schema ?? EMPTY;
  return (
    <Section
      session={props.session}
      title="Options"
      path={[...props.path, "with"]}
      schema={schema}
      pipeline={props.pipeline}
      open
    />
  );
}

function StageForms(props: { session: Session; pipeline: string; stage: string }) {
  const { session, pipeline, stage } = props;
  const path = ["pipelines", pipeline, "stages", stage];
  const uses = usesOf(stageOf(session.spec, pipeline, stage));
  const rename = (name: string): void => {
    session.edit(renameStage(session.spec, pipeline, stage, name));
    if (name in stagesOf(session.spec, pipeline))
      session.choose({ kind: "stage", pipeline, stage: name });
  };
  return (
    <>
      <header class="mlb-inspector-head">
        <Name label="name of the stage" value={stage} change={rename} />
        <button
          type="button"
          onClick={() => session.edit(removeStage(session.spec, pipeline, stage))}
        >
          Delete
        </button>
      </header>
      <About session={session} uses={uses} />
      <ConnectTo session={session} pipeline={pipeline} stage={stage} />
      <Options session={session} path={path} uses={uses} pipeline={pipeline} />
      <Section
        session={session}
        title="Edges, batches and workers"
        path={path}
        schema={session.model.get("forms").stage ?? EMPTY}
        skip={["uses", "with", "to"]}
      />
    </>
  );
}

/** What the mouse does with handles, by two lists and a button. */
export function ConnectTo(props: { session: Session; pipeline: string; stage: string }) {
  const { session, pipeline, stage } = props;
  const outputs = outputsOf(session, pipeline, stage);
  const options = outputs.length > 0 ? [...outputs, "then"] : ["", "then"];
  const [output, setOutput] = useState(options[0] ?? "");
  const [target, setTarget] = useState("");
  const chosen = options.includes(output) ? output : (options[0] ?? "");
  return (
    <div class="mlb-connect">
      <label>
        <span>connect</span>
        <select
          aria-label={`output of ${stage}`}
          value={chosen}
          onChange={(e) => setOutput(e.currentTarget.value)}
        >
          {options.map((each) => (
            <option key={each} value={each}>
              {each || "output"}
            </option>
          ))}
        </select>
      </label>
      <label>
        <span>to</span>
        <select
          aria-label={`connect ${stage} to`}
          value={target}
          onChange={(e) => setTarget(e.currentTarget.value)}
        >
          <option value="">choose</option>
          {Object.keys(stagesOf(session.spec, pipeline)).map((each) => {
            const why = chosen === "then" ? "" : session.refusal(pipeline, stage, each, chosen);
            return (
              <option key={each} value={each} title={why}>
                {why ? `${each} (does not fit)` : each}
              </option>
            );
          })}
        </select>
      </label>
      <button
        type="button"
        disabled={!target}
        onClick={() => session.connect(pipeline, stage, target, chosen) && setTarget("")}
      >
        Connect
      </button>
    </div>
  );
}

function PipelineForms({ session, pipeline }: { session: Session; pipeline: string }) {
  const path = ["pipelines", pipeline];
  const { forms } = { forms: session.model.get("forms") };
  const rename = (name: string): void => {
    session.edit(renamePipeline(session.spec, pipeline, name));
    if (session.pipelines.includes(name)) session.choose({ kind: "pipeline", pipeline: name });
  };
  const sections: [string, string][] = [
    ["slo", "Service-level objective"],
    ["stop", "Stop rule"],
    ["warmup", "Warm-up"],
    ["place", "Place"],
  ];
  return (
    <>
      <header class="mlb-inspector-head">
        <Name label="name of the pipeline" value={pipeline} change={rename} />
        <button type="button" onClick={() => session.edit(put(session.spec, path, undefined))}>
          Delete
        </button>
      </header>
      <LoadForm session={session} pipeline={pipeline} />
      <Resources session={session} pipeline={pipeline} />
      {sections.map(([key, title]) => (
        <Section
          key={key}
          session={session}
          title={title}
          path={[...path, key]}
          schema={forms[key] ?? EMPTY}
        />
      ))}
      <Section
        session={session}
        title="Execution"
        path={path}
        schema={forms.pipeline ?? EMPTY}
        skip={["data", "load", "stop", "warmup", "slo", "place", "resources", "stages"]}
      />
    </>
  );
}

function LoadForm({ session, pipeline }: { session: Session; pipeline: string }) {
  const path = ["pipelines", pipeline, "load"];
  const loads = session.model.get("loads");
  const whole = at(session.spec, ["pipelines", pipeline]);
  const name = isFields(whole) ? loadOf(whole) : "closed";
  const known = loads.find((each) => each.name === name);
  const choose = (next: string): void => {
    const required = loads.find((each) => each.name === next)?.schema.required ?? [];
    const options = Object.fromEntries(required.map((key) => [key, 1]));
    session.edit(put(session.spec, path, { [next]: options }));
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
        schema={known?.schema ?? EMPTY}
        value={fieldsAt(session, [...path, name])}
        resources={[]}
        change={(key, value) =>
          session.edit(
            put(session.spec, path, {
              [name]: withField(at(session.spec, [...path, name]), key, value) ?? {},
            }),
            [...path, key].join("/"),
          )
        }
        problem={problemOf(session, [...path, name])}
        idPrefix={`mlb-load-${pipeline}`}
      />
    </section>
  );
}

const fieldsAt = (session: Session, path: string[]): Fields => {
  const found = at(session.spec, path);
  return isFields(found) ? found : {};
};

function Resources({ session, pipeline }: { session: Session; pipeline: string }) {
  const names = Object.entries(resourcesOf(session.spec, pipeline));
  const known = [...session.library.values()].filter(({ kind }) => kind === "resource");
  return (
    <section class="mlb-section">
      <h4>Resources</h4>
      <ul class="mlb-list">
        {names.map(([name, resource]) => (
          <li key={name}>
            <button
              type="button"
              onClick={() => session.choose({ kind: "resource", pipeline, resource: name })}
            >
              <b>${name}</b> {usesOf(resource)}
            </button>
          </li>
        ))}
      </ul>
      <select
        aria-label={`add a resource to ${pipeline}`}
        value=""
        onChange={(event) =>
          event.currentTarget.value && session.add(event.currentTarget.value, pipeline)
        }
      >
        <option value="">Add a resource…</option>
        {known.map((each) => (
          <option key={each.name} value={each.name}>
            {each.name}
          </option>
        ))}
      </select>
    </section>
  );
}

function ResourceForms(props: { session: Session; pipeline: string; name: string }) {
  const { session, pipeline, name } = props;
  const path = ["pipelines", pipeline, "resources", name];
  const uses = usesOf(at(session.spec, path));
  const rename = (next: string): void => {
    session.edit(renameResource(session.spec, pipeline, name, next));
    if (next in resourcesOf(session.spec, pipeline)) {
      session.choose({ kind: "resource", pipeline, resource: next });
    }
  };
  const remove = (): void => {
    session.edit(put(session.spec, path, undefined));
    session.choose({ kind: "pipeline", pipeline });
  };
  return (
    <>
      <header class="mlb-inspector-head">
        <Name label="name of the resource" value={name} change={rename} />
        <button type="button" onClick={remove}>
          Delete
        </button>
      </header>
      <About session={session} uses={uses} />
      <Options session={session} path={path} uses={uses} pipeline={pipeline} />
    </>
  );
}

function DataForms({ session, pipeline }: { session: Session; pipeline: string }) {
  const path = ["pipelines", pipeline, "data"];
  const uses = usesOf(at(session.spec, path));
  const sets = [...session.library.values()].filter(({ kind }) => kind === "data");
  return (
    <>
      <header class="mlb-inspector-head">
        <b>Data of {pipeline}</b>
      </header>
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
        schema={session.model.get("forms").data ?? EMPTY}
        skip={["uses", "with"]}
      />
    </>
  );
}

function EdgeForms({ session }: { session: Session }) {
  const { choice } = session;
  if (choice.kind !== "edge") return null;
  const { pipeline, edge } = choice;
  const remove = (): void => {
    session.edit(disconnect(session.spec, pipeline, edge));
    session.choose({ kind: "stage", pipeline, stage: edge.source });
  };
  return (
    <>
      <header class="mlb-inspector-head">
        <b>
          {edge.source} → {edge.target}
        </b>
        <button type="button" onClick={remove}>
          Delete
        </button>
      </header>
      {edge.output && <p class="mlb-soft">by its output {edge.output}</p>}
      {edge.kind === "then" && <p class="mlb-soft">where a branch goes after its last visit</p>}
    </>
  );
}

function BenchmarkForms({ session }: { session: Session }) {
  const forms = session.model.get("forms");
  return (
    <>
      <header class="mlb-inspector-head">
        <b>Benchmark</b>
      </header>
      <Section
        session={session}
        title="Name and seed"
        path={[]}
        schema={forms.benchmark ?? EMPTY}
        skip={["pipelines", "stop", "study", "timeouts", "limits", "telemetry"]}
        open
      />
      <Section session={session} title="Stop rule" path={["stop"]} schema={forms.stop ?? EMPTY} />
      <Section session={session} title="Study" path={["study"]} schema={forms.study ?? EMPTY} />
    </>
  );
}
