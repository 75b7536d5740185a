// The stages whose branches a stage waits for: some of those that lead to it, or none.
import { plain } from "../form";
import type { Session } from "../session";
import { join, joinOf, predecessorsOf } from "../spec";
import { problemOf } from "./problem";

export function Join(props: { session: Session; pipeline: string; stage: string }) {
  const { session, pipeline, stage } = props;
  const joined = joinOf(session.spec, pipeline, stage);
  // One whose edge was taken away stays until it is not wanted: Python says what is wrong.
  const sources = [...new Set([...predecessorsOf(session.spec, pipeline, stage), ...joined])];
  const problem = problemOf(session, ["pipelines", pipeline, "stages", stage])("join");
  const choose = (source: string, wanted: boolean): void => {
    const others = joined.filter((each) => each !== source);
    session.edit(join(session.spec, pipeline, stage, wanted ? [...others, source] : others));
  };
  return (
    <fieldset class={`mlb-field mlb-join${problem ? " mlb-wrong" : ""}`} aria-label="join">
      <span class="mlb-field-name">join</span>
      <div>
        {sources.map((source) => (
          <label key={source}>
            <input
              type="checkbox"
              checked={joined.includes(source)}
              onChange={(event) => choose(source, event.currentTarget.checked)}
            />
            {source}
          </label>
        ))}
        {sources.length === 0 && <span class="mlb-soft">no stage leads here</span>}
      </div>
      <span class="mlb-field-note">
        {plain(session.model.get("forms").stage?.properties?.join?.description)}
      </span>
      {problem && <span class="mlb-field-problem">{problem}</span>}
    </fieldset>
  );
}
