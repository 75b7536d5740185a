// The builder: toolbar, palette, one of the views, the inspector, and the problems.
import { useEffect, useReducer, useState } from "preact/hooks";
import { Graph } from "./canvas";
import { Inspector } from "./inspector/inspector";
import { arranged } from "./layout";
import type { Problem } from "./model";
import { Palette } from "./palette";
import { Placement } from "./placement";
import { SUPPRESS } from "./scene";
import type { Session, View } from "./session";
import { Table } from "./table";

const VIEWS: [View, string][] = [
  ["graph", "Graph"],
  ["table", "Table"],
  ["placement", "Placement"],
  ["yaml", "YAML"],
];

export function App({ session }: { session: Session }) {
  const [revision, redraw] = useReducer((count: number) => count + 1, 0);
  useEffect(() => session.listen(() => redraw(undefined as never)), [session]);
  const pressed = (event: KeyboardEvent): void => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z") {
      event.preventDefault();
      if (event.shiftKey) session.redo();
      else session.undo();
    } else if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "y") {
      event.preventDefault();
      session.redo();
    }
    event.stopPropagation(); // the notebook has keys of its own
  };
  return (
    <div
      class="mlb"
      tabIndex={0}
      role="application"
      aria-label="Builder of a benchmark"
      style={{ height: `${session.model.get("height")}px` }}
      onKeyDown={pressed}
      {...(SUPPRESS as object)}
    >
      <Toolbar session={session} />
      <main class="mlb-main">
        <Palette session={session} />
        <section class="mlb-view">
          {session.view === "graph" && <Graph session={session} revision={revision} />}
          {session.view === "graph" && session.pipelines.length === 0 && (
            <p class="mlb-empty">Drag a stage here, or press Enter on one in the library.</p>
          )}
          {session.view === "table" && <Table session={session} />}
          {session.view === "placement" && <Placement session={session} />}
          {session.view === "yaml" && <Yaml session={session} />}
        </section>
        <aside class="mlb-inspector" aria-label="Options of what is chosen">
          <Inspector session={session} />
        </aside>
      </main>
      <Problems session={session} />
      <output class="mlb-said" aria-live="polite">
        {session.said}
      </output>
    </div>
  );
}

function Toolbar({ session }: { session: Session }) {
  const { store } = session;
  const arrange = (): void => {
    const all = session.pipelines.map((name) => [name, arranged(session.spec, name)]);
    session.move(Object.fromEntries(all));
    session.say("Arranged");
  };
  return (
    <header class="mlb-toolbar" role="toolbar" aria-label="Builder">
      <b class="mlb-title">{String(session.spec.name ?? "untitled")}</b>
      <Badge session={session} />
      <span class="mlb-grow" />
      <div class="mlb-group" role="tablist">
        {VIEWS.map(([view, title]) => (
          <button
            key={view}
            type="button"
            role="tab"
            aria-selected={session.view === view}
            onClick={() => session.show(view)}
          >
            {title}
          </button>
        ))}
      </div>
      <div class="mlb-group">
        <button
          type="button"
          title="Undo (Ctrl+Z)"
          disabled={!store.canUndo}
          onClick={() => session.undo()}
        >
          Undo
        </button>
        <button
          type="button"
          title="Redo (Ctrl+Shift+Z)"
          disabled={!store.canRedo}
          onClick={() => session.redo()}
        >
          Redo
        </button>
      </div>
      <button type="button" title="Lay the stages out from left to right" onClick={arrange}>
        Arrange
      </button>
      <button type="button" onClick={() => session.newPipeline()}>
        New pipeline
      </button>
      <button type="button" onClick={() => session.choose({ kind: "benchmark" })}>
        Benchmark
      </button>
      <Sweep session={session} />
    </header>
  );
}

function Badge({ session }: { session: Session }) {
  const { problems } = session;
  if (problems === null) return <span class="mlb-badge">checking…</span>;
  if (problems.length === 0) return <span class="mlb-badge mlb-good">valid</span>;
  const text = problems.length === 1 ? "1 problem" : `${problems.length} problems`;
  return <span class="mlb-badge mlb-bad">{text}</span>;
}

function Sweep({ session }: { session: Session }) {
  const [open, setOpen] = useState(false);
  const [directory, setDirectory] = useState("sweep");
  const answered = session.model.get("answered");
  return (
    <div class="mlb-sweep">
      <button type="button" aria-expanded={open} onClick={() => setOpen(!open)}>
        Sweep…
      </button>
      {open && (
        <div class="mlb-popover">
          <p>Writes a parameterised notebook and the plan of its sweep into a new directory.</p>
          <input
            type="text"
            aria-label="directory of the sweep"
            value={directory}
            onInput={(event) => setDirectory(event.currentTarget.value)}
          />
          <button type="button" onClick={() => session.askForSweep(directory)}>
            Write
          </button>
          {answered.said && (
            <p class={answered.ok ? "mlb-soft" : "mlb-field-problem"}>{answered.said}</p>
          )}
        </div>
      )}
    </div>
  );
}

function Yaml({ session }: { session: Session }) {
  const [python, setPython] = useState(false);
  const checked = session.model.get("checked");
  const text =
    (python ? checked.python : checked.yaml) || "No benchmark yet: see the problems below.";
  return (
    <div class="mlb-yaml">
      <div class="mlb-group">
        <button type="button" aria-pressed={!python} onClick={() => setPython(false)}>
          YAML
        </button>
        <button type="button" aria-pressed={python} onClick={() => setPython(true)}>
          Python
        </button>
        <button type="button" onClick={() => void navigator.clipboard?.writeText(text)}>
          Copy
        </button>
      </div>
      <pre>{text}</pre>
    </div>
  );
}

function Problems({ session }: { session: Session }) {
  const problems = session.problems ?? session.model.get("checked").problems ?? [];
  if (problems.length === 0) return null;
  return (
    <ul class="mlb-problems" aria-label="Problems">
      {problems.map((each) => (
        <li key={each.path.join(".") + each.message}>
          <button type="button" onClick={() => goTo(session, each)}>
            <code>{each.path.join(".")}</code> {each.message}
            {each.hint && <i> ({each.hint})</i>}
          </button>
        </li>
      ))}
    </ul>
  );
}

/** Choose what a problem is about. */
function goTo(session: Session, { path }: Problem): void {
  const [top, pipeline, section, name] = path.map(String);
  if (top !== "pipelines" || pipeline === undefined || !session.pipelines.includes(pipeline)) {
    session.choose({ kind: "benchmark" });
  } else if (section === "stages" && name !== undefined) {
    session.choose({ kind: "stage", pipeline, stage: name });
  } else if (section === "resources" && name !== undefined) {
    session.choose({ kind: "resource", pipeline, resource: name });
  } else {
    session.choose({ kind: section === "data" ? "data" : "pipeline", pipeline });
  }
}
