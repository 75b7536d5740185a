// Placement as lanes: each is a place on this machine, and pipelines are dropped on them.
import type { Fields, Lane } from "./model";
import { colourOf } from "./scene";
import type { Session } from "./session";
import { at, isFields, put } from "./spec";

const CHIP = "application/x-mlbench-pipeline";

export function Placement({ session }: { session: Session }) {
  const { lanes } = session.model.get("machine");
  const elsewhere = session.pipelines.filter((name) => laneOf(session, name, lanes) === undefined);
  return (
    <div class="mlb-lanes">
      {lanes.map((lane) => (
        <LaneRow
          key={lane.id}
          session={session}
          lane={lane}
          pipelines={session.pipelines.filter(
            (name) => laneOf(session, name, lanes)?.id === lane.id,
          )}
        />
      ))}
      {elsewhere.length > 0 && (
        <div class="mlb-lane">
          <div class="mlb-lane-head">
            <b>Elsewhere</b>
            <span>a place of their own, in the pipeline's form</span>
          </div>
          <div class="mlb-chips">
            {elsewhere.map((name) => (
              <Chip key={name} session={session} pipeline={name} lanes={lanes} />
            ))}
          </div>
        </div>
      )}
    </div>
  );
}

function LaneRow(props: { session: Session; lane: Lane; pipelines: string[] }) {
  const { session, lane, pipelines } = props;
  const dropped = (event: DragEvent): void => {
    event.preventDefault();
    const name = event.dataTransfer?.getData(CHIP);
    if (name) settle(session, name, lane);
  };
  return (
    <div
      class={`mlb-lane${lane.available ? "" : " mlb-lane-off"}`}
      data-lane={lane.id}
      title={lane.why}
      onDragOver={(event) => event.preventDefault()}
      onDrop={dropped}
    >
      <div class="mlb-lane-head">
        <b>{lane.label}</b>
        <span>{lane.available ? lane.detail : lane.why}</span>
      </div>
      <div class="mlb-chips">
        {pipelines.map((name) => (
          <Chip
            key={name}
            session={session}
            pipeline={name}
            lanes={session.model.get("machine").lanes}
          />
        ))}
      </div>
    </div>
  );
}

function Chip(props: { session: Session; pipeline: string; lanes: Lane[] }) {
  const { session, pipeline, lanes } = props;
  return (
    <span
      class="mlb-chip"
      draggable
      style={{ "--mlb-colour": colourOf(session, pipeline) }}
      onDragStart={(event) => event.dataTransfer?.setData(CHIP, pipeline)}
    >
      <b>{pipeline}</b>
      <select
        aria-label={`place ${pipeline} on`}
        value={laneOf(session, pipeline, lanes)?.id ?? ""}
        onChange={(event) => {
          const lane = lanes.find(({ id }) => id === event.currentTarget.value);
          if (lane) settle(session, pipeline, lane);
        }}
      >
        <option value="" disabled>
          elsewhere
        </option>
        {lanes.map((lane) => (
          <option key={lane.id} value={lane.id} disabled={!lane.available}>
            {lane.label}
          </option>
        ))}
      </select>
    </span>
  );
}

const PLACED = ["device", "cpus", "sharing"];

/** Put a pipeline on a lane: what else its place says, such as threads, stays. */
export function settle(session: Session, pipeline: string, lane: Lane): void {
  if (!lane.available) {
    session.say(`Refused: ${lane.why}`);
    return;
  }
  const path = ["pipelines", pipeline, "place"];
  const before = at(session.spec, path);
  const kept = Object.entries(isFields(before) ? before : {}).filter(
    ([key]) => !PLACED.includes(key),
  );
  const place: Fields = { ...Object.fromEntries(kept), ...lane.place };
  session.edit(put(session.spec, path, Object.keys(place).length > 0 ? place : undefined));
  session.say(`${pipeline} is on ${lane.label}`);
}

/** The lane whose words are those of a pipeline's place. */
export function laneOf(session: Session, pipeline: string, lanes: Lane[]): Lane | undefined {
  const place = at(session.spec, ["pipelines", pipeline, "place"]);
  const placed = Object.entries(isFields(place) ? place : {}).filter(
    ([key, value]) => PLACED.includes(key) && !(key === "device" && value === "auto"),
  );
  const told = JSON.stringify(placed.sort());
  return lanes.find((lane) => JSON.stringify(Object.entries(lane.place).sort()) === told);
}
