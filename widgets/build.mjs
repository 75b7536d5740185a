// Builds one self-contained bundle per widget: anywidget sends a widget's script to the browser
// whole, so nothing is shared between bundles at run time.
//
//   node build.mjs               into ../mlbench/widgets/static
//   node build.mjs DIRECTORY     somewhere else, to compare
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const source = join(here, "src");
const out = resolve(process.argv[2] ?? join(here, "../mlbench/widgets/static"));

/** The folders of src/ that are a widget: those with a widget.tsx. */
function widgets() {
  return readdirSync(source)
    .sort()
    .filter((name) => existsSync(join(source, name, "widget.tsx")));
}

mkdirSync(out, { recursive: true });
for (const name of widgets()) {
  const result = await build({
    entryPoints: { [name]: join(source, name, "widget.tsx") },
    outdir: out,
    bundle: true,
    format: "esm",
    target: "es2022",
    minify: true,
    write: true,
    metafile: true,
    legalComments: "inline",
    jsx: "automatic",
    jsxImportSource: "preact",
    // React Flow is written for React; Preact is the same interface at a fifth of the size.
    alias: {
      react: "preact/compat",
      "react-dom": "preact/compat",
      "react/jsx-runtime": "preact/jsx-runtime",
    },
    define: { "process.env.NODE_ENV": '"production"' },
    absWorkingDir: here,
  });
  for (const file of Object.keys(result.metafile.outputs).sort()) {
    const bundle = readFileSync(resolve(here, file));
    console.log(`${file}\t${bundle.length}\t${gzipSync(bundle, { level: 9 }).length} gzip`);
  }
}
