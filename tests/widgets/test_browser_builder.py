"""The builder in JupyterLab: by mouse, by keyboard, from Python, and back to the beginning."""

from __future__ import annotations

from typing import Any

import pytest
from lab import Lab, Notebook
from playwright.sync_api import Locator, expect

EMPTY = "import mlbench as mb\nbuilder = mb.Builder()\nbuilder"

RAG: dict[str, Any] = {
    "data": {"uses": "rag.questions"},
    "resources": {"index": {"uses": "rag.index"}, "model": {"uses": "text.model"}},
    "stages": {
        "retrieve": {"uses": "rag.retrieve", "with": {"index": "$index"}, "to": "grade"},
        "grade": {
            "uses": "rag.grade",
            "to": {"relevant": "generate", "irrelevant": "rewrite"},
        },
        "rewrite": {
            "uses": "rag.rewrite",
            "with": {"lm": "$model"},
            "to": "retrieve",
            "max_visits": 2,
            "then": "generate",
        },
        "generate": {"uses": "rag.generate", "with": {"lm": "$model"}},
    },
}
"""What both ways of building lead to."""

TWO = """
import mlbench as mb
noop = {"uses": "synthetic.noop"}
stages = {"first": noop | {"to": "second"}, "second": noop}
pipeline = {"data": {"uses": "synthetic.items"}, "stages": stages}
bench = mb.Benchmark(name="two-stages", pipelines={"alone": pipeline})
builder = mb.Builder(bench)
builder
"""

FORKED = """
import mlbench as mb
noop = {"uses": "synthetic.noop"}
sides = {"left": noop | {"to": "both"}, "right": noop | {"to": "both"}}
stages = {"fork": noop | {"to": ["left", "right"]}, **sides, "both": noop}
pipeline = {"data": {"uses": "synthetic.items"}, "stages": stages}
bench = mb.Benchmark(name="forked", pipelines={"fan": pipeline})
builder = mb.Builder(bench)
builder
"""

BUSY = """
import pathlib
pathlib.Path("began").touch()
while not pathlib.Path("go").exists():
    pass
pathlib.Path("ended").touch()
"""


def shown(lab: Lab, code: str) -> tuple[Notebook, Locator]:
    """A notebook with a builder in its first cell, and the builder on the page."""
    notebook = lab.open(code, "'a cell below'")
    notebook.run(0)
    builder = notebook.output(0).locator(".mlb")
    expect(builder).to_be_visible()
    return notebook, builder


def spec(notebook: Notebook) -> Any:
    """What is on the canvas, as Python has it."""
    return notebook.python("builder.canvas['spec']")


def said(builder: Locator) -> Locator:
    return builder.locator(".mlb-said")


def handle(builder: Locator, stage: str, name: str) -> Locator:
    """A handle of a stage: ``in``, ``out`` or ``out:OUTPUT``."""
    node = builder.get_by_label(f"stage {stage} of ", exact=False)
    return node.locator(f'.react-flow__handle[data-handleid="{name}"]')


def drag(builder: Locator, source: Locator, target: Locator) -> None:
    """Draw an edge with the mouse, once the view rests: what is new is brought into it."""
    mouse = builder.page.mouse
    source.hover()
    mouse.down()
    box = target.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    mouse.move(x - 6, y - 4, steps=6)
    mouse.move(x, y)
    mouse.up()


def move(builder: Locator, stage: str, right: float, down: float) -> None:
    """Drag a stage with the mouse, once the view rests."""
    node = builder.get_by_label(f"stage {stage} of ", exact=False)
    box = node.bounding_box()
    assert box is not None
    node.hover(position={"x": box["width"] / 2, "y": 6})
    box = node.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + 6
    mouse = builder.page.mouse
    mouse.down()
    mouse.move(x + right, y + down, steps=5)
    mouse.up()


def add(builder: Locator, name: str) -> None:
    """Find something in the palette and click it."""
    builder.get_by_label("Search the library").fill(name)
    builder.get_by_label(f"add {name},", exact=False).click()
    expect(said(builder)).to_contain_text(name)


def choose(builder: Locator, label: str, value: str) -> None:
    builder.get_by_label(label, exact=True).select_option(value)


def test_a_pipeline_with_a_loop_is_built_by_mouse(lab: Lab) -> None:
    notebook, builder = shown(lab, EMPTY)
    for name in ("rag.retrieve", "rag.grade", "rag.rewrite", "rag.generate"):
        add(builder, name)
    for name in ("rag.questions", "rag.index", "text.model"):
        add(builder, name)
    builder.get_by_title("Lay the stages out", exact=False).click()
    builder.get_by_label("Fit View").click()
    for source, output, target in (
        ("retrieve", "out", "grade"),
        ("grade", "out:relevant", "generate"),
        ("grade", "out:irrelevant", "rewrite"),
        ("rewrite", "out", "retrieve"),
    ):
        drag(builder, handle(builder, source, output), handle(builder, target, "in"))
        expect(said(builder)).to_contain_text(f"{source} leads to {target}")
    for stage, field, resource in (
        ("retrieve", "index", "$index"),
        ("rewrite", "lm", "$model"),
        ("generate", "lm", "$model"),
    ):
        builder.get_by_label(f"stage {stage} of ", exact=False).click()
        choose(builder, field, resource)
        if stage == "rewrite":
            choose(builder, "output of rewrite", "then")
            choose(builder, "connect rewrite to", "generate")
            builder.get_by_role("button", name="Connect", exact=True).click()
    notebook.until("not isinstance(builder.bench, list)")
    (made,) = notebook.python("builder.bench.plain()")["pipelines"].values()
    assert made == RAG
    expect(builder.locator(".mlb-badge")).to_have_text("valid")
    builder.get_by_role("button", name="Arrange").click()
    builder.get_by_label("Fit View").click()
    notebook.screenshot("builder-by-mouse", builder)
    drag(builder, handle(builder, "generate", "out"), handle(builder, "grade", "in"))
    expect(said(builder)).to_contain_text("Refused: rag.generate gives")
    assert notebook.python("builder.bench.plain()")["pipelines"] == {"pipeline": RAG}
    notebook.screenshot("builder-refused", builder)


def press(builder: Locator, label: str, *keys: str, role: str) -> None:
    """Put the focus on a control, and type."""
    builder.get_by_role(role, name=label, exact=True).focus()  # type: ignore[arg-type]  # a role
    for key in keys:
        builder.page.keyboard.press(key)


def type_into(builder: Locator, label: str, text: str) -> None:
    builder.get_by_label(label, exact=True).focus()
    builder.page.keyboard.type(text)
    builder.page.keyboard.press("Enter")


def pick(builder: Locator, label: str, text: str) -> None:
    """Choose in a list by typing the beginning of what stands there."""
    builder.get_by_label(label, exact=True).focus()
    builder.page.keyboard.type(text)


def test_the_same_pipeline_is_built_by_keyboard_alone(lab: Lab) -> None:
    notebook, builder = shown(lab, EMPTY)
    press(builder, "Table", "Enter", role="tab")
    press(builder, "New pipeline", "Enter", role="button")
    names = ("rag.questions", "rag.retrieve", "rag.grade", "rag.rewrite", "rag.generate")
    for name in (*names, "rag.index", "text.model"):
        type_into(builder, "add to pipeline", name)
        expect(said(builder)).to_have_text(f"{name} is in pipeline")
    for source, output, target in (
        ("retrieve", "", "grade"),
        ("grade", "relevant", "generate"),
        ("grade", "irrelevant", "rewrite"),
        ("rewrite", "", "retrieve"),
        ("rewrite", "then", "generate"),
    ):
        row = builder.locator("tbody tr").filter(has=builder.page.get_by_label(f"delete {source}"))
        if output:
            pick(row, f"output of {source}", output)
        pick(row, f"connect {source} to", target)
        row.get_by_role("button", name="Connect", exact=True).focus()
        builder.page.keyboard.press("Enter")
        expect(said(builder)).to_contain_text(f"{source} leads to {target}")
    for stage, field, resource in (
        ("retrieve", "index", "$index"),
        ("rewrite", "lm", "$model"),
        ("generate", "lm", "$model"),
    ):
        builder.locator("tbody").get_by_role("button", name=stage, exact=True).focus()
        builder.page.keyboard.press("Enter")
        pick(builder, field, resource)
    notebook.until("not isinstance(builder.bench, list)")
    assert notebook.python("builder.bench.plain()")["pipelines"] == {"pipeline": RAG}
    notebook.screenshot("builder-by-keyboard", builder)


def test_twenty_mixed_edits_are_undone_to_the_beginning(lab: Lab) -> None:
    notebook, builder = shown(lab, TWO)
    notebook.until("builder.places")
    before = (spec(notebook), notebook.python("builder.places"))
    for _ in range(3):
        add(builder, "synthetic.noop")
        add(builder, "synthetic.spin")
    drag(builder, handle(builder, "second", "out"), handle(builder, "noop", "in"))
    expect(said(builder)).to_have_text("second leads to noop")
    for number in range(3):
        places = notebook.python("builder.places")
        move(builder, "noop", 10 + 5 * number, 40)
        notebook.until(f"builder.places != {places}")
    builder.get_by_label("stage spin of alone: synthetic.spin").click()
    builder.get_by_label("seconds", exact=True).press_sequentially("0.05")
    rename = builder.get_by_label("name of the stage")
    rename.fill("turn")
    rename.press("Enter")
    builder.get_by_label("pipeline alone").locator(".mlb-frame-head b").click()
    choose(builder, "load of alone", "poisson")
    builder.get_by_text("Service-level objective").click()
    builder.get_by_label("latency_ms", exact=True).fill("50")
    builder.get_by_role("tab", name="Placement").click()
    choose(builder, "place alone on", "cpu:0")
    builder.get_by_role("tab", name="Graph").click()
    builder.get_by_role("button", name="Arrange").click()
    builder.get_by_role("button", name="New pipeline").click()
    builder.get_by_role("button", name="Benchmark").click()
    builder.get_by_label("seed", exact=True).fill("7")
    notebook.until("builder.canvas['spec'].get('seed') == 7")
    turn = spec(notebook)["pipelines"]["alone"]["stages"]["turn"]
    assert turn == {"uses": "synthetic.spin", "with": {"seconds": 0.05}}
    builder.focus()
    undo = builder.get_by_role("button", name="Undo")
    steps = 0
    while undo.is_enabled():
        builder.page.keyboard.press("Control+z")
        steps += 1
        assert steps < 60
    assert steps >= 18
    notebook.until("builder.canvas['spec'].get('seed') is None")
    assert (spec(notebook), notebook.python("builder.places")) == before
    builder.page.keyboard.press("Control+Shift+z")
    expect(said(builder)).to_have_text("Done again")


def test_a_join_is_chosen_among_the_stages_that_lead_to_it(lab: Lab) -> None:
    notebook, builder = shown(lab, FORKED)
    builder.get_by_label("stage both of fan: synthetic.noop").click()
    join = builder.get_by_role("group", name="join")
    expect(join.get_by_role("checkbox")).to_have_count(2)
    join.get_by_label("right", exact=True).check()
    expect(join).to_contain_text("expected at least two stages")
    join.get_by_label("left", exact=True).focus()
    builder.page.keyboard.press("Space")
    notebook.until("not isinstance(builder.bench, list)")
    joined = "builder.bench.pipelines['fan'].stages['both'].join"
    assert notebook.python(joined) == ["right", "left"]
    expect(builder.locator(".mlb-badge")).to_have_text("valid")
    expect(builder.locator(".mlb-marks")).to_have_text("joins 2")
    notebook.screenshot("builder-join", builder)
    builder.get_by_role("button", name="Undo").click()
    expect(join.get_by_label("left", exact=True)).not_to_be_checked()
    expect(join).to_contain_text("expected at least two stages")


def test_what_python_sets_shows_in_the_graph_and_can_be_undone_there(lab: Lab) -> None:
    notebook, builder = shown(lab, TWO)
    change = "bench.model_copy(update={'name': 'changed', 'seed': 3})"
    notebook.python(f"[setattr(builder, 'bench', {change}), 1][1]")
    expect(builder.locator(".mlb-title")).to_have_text("changed")
    expect(said(builder)).to_have_text("Python changed the benchmark")
    builder.get_by_role("button", name="Undo").click()
    expect(builder.locator(".mlb-title")).to_have_text("two-stages")
    notebook.until("builder.bench == bench")


def test_edits_go_on_while_a_cell_is_busy_and_python_follows(lab: Lab) -> None:
    notebook = lab.open(TWO, BUSY)
    notebook.run(0)
    builder = notebook.output(0).locator(".mlb")
    expect(builder).to_be_visible()
    folder = (lab.server.root / notebook.path).parent
    notebook.start(1)
    while not (folder / "began").exists():
        notebook.page.wait_for_timeout(20)
    add(builder, "synthetic.spin")
    expect(builder.get_by_label("stage spin of alone: synthetic.spin")).to_be_visible()
    assert not (folder / "ended").exists()
    (folder / "go").touch()
    notebook.until("'spin' in builder.canvas['spec']['pipelines']['alone']['stages']")
    assert (folder / "ended").exists()


def test_it_is_dark_in_a_dark_theme(lab: Lab) -> None:
    notebook, builder = shown(lab, TWO)
    lab.theme("dark")
    try:
        colour = builder.evaluate("element => getComputedStyle(element).backgroundColor")
        red = int(colour.removeprefix("rgb(").split(",")[0])
        assert red < 80
        notebook.screenshot("builder-dark", builder)
    finally:
        lab.theme("light")


def test_names_are_text(lab: Lab) -> None:
    name = "<script>alert(1) \\'\\\" 🦊"
    code = TWO.replace('name="two-stages"', f"name='{name}'").replace('"alone"', f"'{name}'")
    notebook, builder = shown(lab, code.replace('{"alone": pipeline}', f"{{'{name}': pipeline}}"))
    text = "<script>alert(1) '\" 🦊"
    expect(builder.locator(".mlb-frame-head b")).to_have_text(text)
    expect(builder.locator(".mlb-title")).to_have_text(text)
    assert builder.locator("script").count() == 0
    notebook.screenshot("builder-names", builder)


@pytest.mark.parametrize(
    "part",
    [
        ".react-flow__node-stage",
        ".react-flow__pane",
        ".react-flow__edge-interaction",
        ".mlb-palette .mlb-item",
        ".mlb-tabs, .mlb-inspector-head",
    ],
)
def test_no_shortcut_of_jupyterlab_leaves_it(lab: Lab, part: str) -> None:
    notebook, builder = shown(lab, TWO)
    builder.locator(part).first.click(force=True)
    for key in ("a", "b", "d", "d", "x", "c", "v", "z", "m", "y", "Delete", "Backspace"):
        notebook.page.keyboard.press(key)
    notebook.python("1")
    assert notebook.sources == [TWO, "'a cell below'"]


def test_a_form_keeps_its_letters(lab: Lab) -> None:
    notebook, builder = shown(lab, TWO)
    builder.get_by_role("button", name="Benchmark").click()
    name = builder.get_by_label("name", exact=True)
    name.fill("")
    name.press_sequentially("a bad dd zxcv")
    expect(builder.locator(".mlb-title")).to_have_text("a bad dd zxcv")
    assert notebook.cells == 2
