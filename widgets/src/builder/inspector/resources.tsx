// The resources of a pipeline, and a list to add one from.
import type { Session } from "../session";
import { resourcesOf, usesOf } from "../spec";

export function Resources({ session, pipeline }: { session: Session; pipeline: string }) {
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
