#!/bin/sh
# From nothing to a PDF: the sweep, its figures and table, the page. `make paper` calls it with
# the folder of the commands. A sweep that was cut off goes on; one that is done is used again.
#
#   sh examples/paper/make.sh .venv/bin [PLAN [RUNS [OUT]]]
set -eu

bin=$1
plan=${2:-examples/paper/plan.yml}
runs=${3:-runs/paper}
out=${4:-figures/paper}
here=$(dirname "$0")

sweep=$(ls -td "$runs"/*/ 2>/dev/null | head -1)
if [ -n "$sweep" ] && [ "$sweep" -nt "$plan" ]; then
  set -- --resume "$sweep"
else
  set -- "$plan" --out "$runs"
fi
# Status 3 is a sweep whose verdict is INVALID, on a machine that others use: the page says so.
"$bin/mlbench" sweep "$@" || [ $? -eq 3 ]
sweep=$(ls -td "$runs"/*/ | head -1)

mkdir -p "$out"
"$bin/papermill" "$here/paper.ipynb" "$out/paper.ipynb" --no-progress-bar -p sweep "$sweep" -p out "$out"
cp "$here/paper.tex" "$out"

if ! command -v latexmk >/dev/null; then
  echo "The figures, the table and the numbers are in $out; for the PDF LaTeX is missing, such as"
  echo "  apt-get install latexmk texlive-latex-extra texlive-publishers texlive-fonts-recommended"
  exit 0
fi
(cd "$out" && latexmk -pdf -interaction=nonstopmode -halt-on-error -silent paper.tex >latexmk.log 2>&1) || {
  echo "LaTeX failed: $out/paper.log says why" >&2
  exit 1
}
echo "$out/paper.pdf"
