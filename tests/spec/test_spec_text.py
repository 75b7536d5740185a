"""A YAML text: its scalars, its mistakes with their places, and what is not read."""

from __future__ import annotations

import math

import pytest

from mlbench.errors import SpecError
from mlbench.spec import Document, load
from mlbench.spec.document import MAX_BYTES, parse_scalar

pytestmark = pytest.mark.unit


def told(text: str) -> list[str]:
    with pytest.raises(SpecError) as caught:
        Document.parse(text, "f.yml").benchmark()
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("off", "off"),
        ("true", True),
        ("False", False),
        ("1e-3", 1e-3),
        ("-.5", -0.5),
        ("1.", 1.0),
        (".inf", math.inf),
        ("-.INF", -math.inf),
        ("12", 12),
        ("012", 12),
        ("0o17", 15),
        ("0x1F", 31),
        ("1_000", "1_000"),
        ("0b1", "0b1"),
        ("12:30", "12:30"),
        ("2001-01-01", "2001-01-01"),
        ("~", None),
        ("null", None),
        ("", None),
        ("'12'", "12"),
        ("[0, a]", [0, "a"]),
        ("{a: 1}", {"a": 1}),
    ],
)
def test_scalars_are_those_of_yaml_1_2(text, value):
    assert parse_scalar(text) == value
    assert type(parse_scalar(text)) is type(value)


def test_nan_is_a_number():
    assert math.isnan(parse_scalar(".nan"))


def test_keys_are_text():
    assert Document.parse("1: a\nno: b\n~: c").data == {"1": "a", "no": "b", "~": "c"}


class TestMistakesHaveAPlace:
    def test_a_duplicate_key_names_both_lines(self):
        assert told("name: a\nseed: 1\nname: b") == [
            "f.yml:3:1: name: 'name' stands twice; the first is in line 1"
        ]

    def test_so_does_a_stage_that_is_there_twice(self):
        text = "name: a\npipelines:\n  p:\n    stages:\n      s: {uses: x}\n      s: {uses: y}\n"
        assert told(text) == [
            "f.yml:6:7: pipelines.p.stages.s: 's' stands twice; the first is in line 5"
        ]

    def test_every_duplicate_is_told(self):
        assert len(told("a: 1\na: 2\nb: 1\nb: 2\nb: 3")) == 3

    def test_broken_yaml_has_its_line(self):
        (problem,) = told("name: a\npipelines: [")
        assert problem.startswith("f.yml:2:13: is not YAML: ")

    def test_a_tab_has_its_line(self):
        (problem,) = told("name: a\nstudy:\n\trepeats: 3")
        assert problem.startswith("f.yml:3:1: is not YAML: ")


class TestAnchors:
    def test_an_alias_is_what_it_stands_for(self):
        text = "name: a\nstudy: &s {repeats: 3}\ndescription: &d text\n"
        document = Document.parse(text + "x: *s\ny: *d")
        assert document.data["x"] == {"repeats": 3}
        assert document.data["y"] == "text"

    def test_merge_keys_are_not_read(self):
        assert told("name: a\n<<: {seed: 1}")[0].startswith("f.yml:2:1: <<: is not a key here")

    def test_a_bomb_of_aliases_is_one_problem(self):
        lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
        lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 10)]
        (problem,) = told("\n".join(lines))
        assert problem.endswith("the document is too large or too deep")

    def test_a_cycle_of_aliases_is_one_problem(self):
        (problem,) = told("a: &a [*a]")
        assert problem.endswith("the document is too large or too deep")

    def test_an_unknown_alias_is_told(self):
        assert told("a: *b") == ["f.yml:1:4: is not YAML: found undefined alias 'b'"]


class TestTags:
    @pytest.mark.parametrize(
        "value",
        [
            "!secret x",
            "!env {a: 1}",
            "!env [1]",
            "!!python/name:os.system ''",
            "!!python/object/apply:os.system [ls]",
            "!!binary aGk=",
            "!!set {x, y}",
            "!!timestamp 2001-01-01",
        ],
    )
    def test_none_but_those_of_plain_data_is_read(self, value):
        (problem,) = told(f"a: {value}")
        assert problem.startswith("f.yml:1:4: a: the tag ")
        assert problem.endswith("is not read")

    def test_a_tag_that_says_what_stands_there_is_read(self):
        assert Document.parse("a: !!str 12\nb: !!int 3\nc: !!map {}\nd: !!seq []").data == {
            "a": "12",
            "b": 3,
            "c": {},
            "d": [],
        }

    @pytest.mark.parametrize("value", ["!!int abc", "!!float abc", "!!bool maybe", "!!null x"])
    def test_a_tag_that_does_not_fit_is_told(self, value):
        assert len(told(f"a: {value}")) == 1


class TestHopelessInput:
    """Anybody's file gives one clear problem, never a traceback."""

    @pytest.mark.parametrize(
        "text",
        ["", "- 1", "text", "3", "[" * 5000, "{a: " * 5000, "a: 1\n---\nb: 2", "a: \x00", "%x"],
        ids=lambda text: repr(text[:6]),
    )
    def test_in_a_text(self, text):
        assert len(told(text)) == 1

    @pytest.mark.parametrize(
        "content",
        [b"\xff\xfe\x00", b"\x89PNG\r\n\x1a\n" + bytes(50), b"\x80abc", bytes(100)],
    )
    def test_in_a_binary_file(self, tmp_path, content):
        (tmp_path / "f.yml").write_bytes(content)
        with pytest.raises(SpecError) as caught:
            load(tmp_path / "f.yml")
        assert len(caught.value.problems) == 1

    def test_in_a_huge_file(self, tmp_path):
        with (tmp_path / "f.yml").open("wb") as file:
            file.truncate(MAX_BYTES + 1)
        with pytest.raises(SpecError, match=f"larger than {MAX_BYTES} bytes"):
            load(tmp_path / "f.yml")

    def test_in_a_number(self):
        assert len(told(f"seed: {'9' * 5000}")) == 1

    def test_without_a_file(self, tmp_path):
        with pytest.raises(SpecError, match="cannot be read: No such file or directory"):
            load(tmp_path / "none.yml")

    def test_in_a_folder(self, tmp_path):
        with pytest.raises(SpecError, match="cannot be read: Is a directory"):
            load(tmp_path)
