// The palette: the library by family, searched, dragged onto the canvas or added by a key.
import { useMemo, useState } from "preact/hooks";
import { DRAGGED } from "./canvas";
import type { Listed } from "./model";
import type { Session } from "./session";

export function Palette({ session }: { session: Session }) {
  const [wanted, setWanted] = useState("");
  const families = useMemo(() => grouped([...session.library.values()], wanted), [wanted]);
  const first = families[0]?.[1][0];
  return (
    <aside class="mlb-palette" aria-label="Library">
      <input
        type="search"
        placeholder="Search stages"
        aria-label="Search the library"
        value={wanted}
        onInput={(event) => setWanted(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter" && first) session.add(first.name);
        }}
      />
      <div class="mlb-families">
        {families.map(([family, listed]) => (
          <details key={family} open={wanted !== "" || listed.length < 12}>
            <summary>{family}</summary>
            {listed.map((each) => (
              <button
                key={each.name}
                type="button"
                class={`mlb-item mlb-item-${each.kind}`}
                draggable
                disabled={each.problem !== null}
                title={each.problem ?? each.summary ?? ""}
                aria-label={`add ${each.name}, ${each.kind === "data" ? "a data set" : `a ${each.kind}`}`}
                onDragStart={(event) => event.dataTransfer?.setData(DRAGGED, each.name)}
                onClick={() => session.add(each.name)}
              >
                <span>{each.name.slice(family.length + 1)}</span>
                {each.kind !== "stage" && <i>{each.kind}</i>}
              </button>
            ))}
          </details>
        ))}
        {families.length === 0 && <p class="mlb-soft">Nothing is called so.</p>}
      </div>
    </aside>
  );
}

/** By family, those whose name or summary has the text; data sets first, then stages. */
export function grouped(listed: Listed[], wanted: string): [string, Listed[]][] {
  const text = wanted.trim().toLowerCase();
  const families = new Map<string, Listed[]>();
  const rank = { data: 0, resource: 1, stage: 2 };
  const named = listed.filter(
    ({ name, summary = "" }) => name.includes(text) || summary.toLowerCase().includes(text),
  );
  named.sort(
    (a, b) =>
      Number(b.name.includes(text)) - Number(a.name.includes(text)) || rank[a.kind] - rank[b.kind],
  );
  for (const each of named) families.set(each.family, [...(families.get(each.family) ?? []), each]);
  return [...families];
}
