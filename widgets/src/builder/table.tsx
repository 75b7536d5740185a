// All stages as a table: what the canvas shows and does, for the keyboard and for screen readers.
import { useState } from "preact/hooks";
import { ConnectTo } from "./inspector/connect";
import type { Session } from "./session";
import { edgesOf, removeStage, stagesOf, usesOf } from "./spec";

export function Table({ session }: { session: Session }) {
  return (
    <div class="mlb-table">
      {session.pipelines.map((pipeline) => (
        <PipelineTable key={pipeline} session={session} pipeline={pipeline} />
      ))}
      {session.pipelines.length === 0 && <p class="mlb-soft">No pipelines yet: make a new one.</p>}
    </div>
  );
}

function PipelineTable({ session, pipeline }: { session: Session; pipeline: string }) {
  const edges = edgesOf(session.spec, pipeline);
  const leads = (stage: string): string =>
    edges
      .filter(({ source }) => source === stage)
      .map(({ kind, output, target }) => {
        const how = kind === "then" ? "then" : output;
        return how ? `${how}: ${target}` : target;
      })
      .join(", ");
  return (
    <section>
      <h4>
        <button type="button" onClick={() => session.choose({ kind: "pipeline", pipeline })}>
          {pipeline}
        </button>
      </h4>
      <table>
        <thead>
          <tr>
            <th>stage</th>
            <th>uses</th>
            <th>leads to</th>
            <th>connect to…</th>
            <th />
          </tr>
        </thead>
        <tbody>
          {Object.entries(stagesOf(session.spec, pipeline)).map(([stage, value]) => (
            <tr key={stage}>
              <td>
                <button
                  type="button"
                  onClick={() => session.choose({ kind: "stage", pipeline, stage })}
                >
                  {stage}
                </button>
              </td>
              <td>{usesOf(value)}</td>
              <td>{leads(stage)}</td>
              <td>
                <ConnectTo session={session} pipeline={pipeline} stage={stage} />
              </td>
              <td>
                <button
                  type="button"
                  aria-label={`delete ${stage}`}
                  onClick={() => session.edit(removeStage(session.spec, pipeline, stage))}
                >
                  Delete
                </button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <AddStage session={session} pipeline={pipeline} />
    </section>
  );
}

function AddStage({ session, pipeline }: { session: Session; pipeline: string }) {
  const [uses, setUses] = useState("");
  const list = `mlb-library-${pipeline}`;
  const add = (): void => {
    if (!session.library.has(uses)) {
      session.say(`nothing is called ${uses}`);
      return;
    }
    session.add(uses, pipeline);
    setUses("");
  };
  return (
    <div class="mlb-add">
      <input
        type="text"
        list={list}
        placeholder="Add a stage, a data set or a resource"
        aria-label={`add to ${pipeline}`}
        value={uses}
        onInput={(event) => setUses(event.currentTarget.value)}
        onKeyDown={(event) => event.key === "Enter" && add()}
      />
      <datalist id={list}>
        {[...session.library.keys()].map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
      <button type="button" onClick={add}>
        Add
      </button>
    </div>
  );
}
