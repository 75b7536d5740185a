// What the mouse does with handles, by two lists and a button.
import { useState } from "preact/hooks";
import { outputsOf } from "../scene";
import type { Session } from "../session";
import { stagesOf } from "../spec";

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
