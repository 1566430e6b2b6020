"""What users see of stored results stays as it is: every report in every form, word for word.

``tests/golden`` holds a folder of records and some kept baselines, which ``make.py`` there has
made, and in ``expected`` what the command line says of them. A change that is meant shows as
a difference in those files: ``UPDATE_GOLDEN=1 pytest tests/cli/test_golden.py`` writes them again,
and the difference is reviewed and committed. ``python tests/golden/make.py`` is for records
that are to be others. What no command says any longer is deleted by hand.

Nothing but the command line is driven, so that modules may move. Of ``list`` only the made
plugin is held, and of pictures only the words: other plugins, and another matplotlib, change
the rest without harm.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import shutil
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from command_line import call

GOLDEN = Path(__file__).parents[1] / "golden"
EXPECTED = GOLDEN / "expected"
STORED = sorted((GOLDEN / "results").glob("*/*/*.json"))
UPDATE = os.environ.get("UPDATE_GOLDEN") == "1"


@dataclass(frozen=True)
class Case:
    """A command line, how it ends, and the files that it writes.

    ``out`` is how the file ends that holds what is expected on standard output; with "" there
    is to be nothing. What is expected on standard error is in a file that ends with ``.err``;
    without that file there is to be nothing.
    """

    words: str
    out: str = ".txt"
    status: int = 0
    files: tuple[str, ...] = ()


def in_forms(words: str, *forms: str) -> dict[str, tuple[str, str]]:
    """Return for each form the command line with it, and the ending of what it prints."""
    endings = {"text": ".txt", "annotations": ".txt", "junit": ".xml"}
    return {form: (f"{words} --format {form}", endings.get(form, f".{form}")) for form in forms}


def cases() -> dict[str, Case]:
    found: dict[str, Case] = {}
    report = "report --results results"
    tables = ("text", "md", "csv", "json")
    reports = {
        "report": in_forms(report, *tables),
        "report-jena-quick": in_forms(f"{report} --task jena --profile quick", "text"),
        "report-imdb-official": in_forms(f"{report} --task imdb --source official", "md"),
        "backends": in_forms(f"{report} --backends", *tables),
        "reproduction": in_forms(f"{report} --reproduction", *tables),
    }
    for name, forms in reports.items():
        found |= {f"{name}-{form}": Case(*parts) for form, parts in forms.items()}
    found["report-figures"] = Case(
        f"{report} --task jena --profile quick --figures figures --output quick.csv",
        out="",
        files=(
            "quick.csv",
            "figures/jena-local-quick-curves.svg",
            "figures/jena-local-quick-time.svg",
        ),
    )

    show = "show --results results"
    found |= {
        "show-jena-gru": Case(f"{show} jena_gru"),
        "show-imdb-lstm8": Case(f"{show} imdb_lstm8"),
        "show-a-plugin-whose-file-is-gone": Case(f"{show} jena_broken"),
        "show-a-plugin-without-records": Case(f"{show} made_dense --plugins more/plugins"),
    }

    for profile in ("quick", "full"):
        words = f"baseline --results results --profile {profile} --output {profile}.json"
        found[f"baseline-{profile}"] = Case(words, files=(f"{profile}.json",))

    sides = "--baseline before-and-after/before.json --candidate before-and-after/after.json"
    gate = f"check {sides}"
    forms = in_forms(gate, "text", "md", "json", "junit", "annotations")
    found |= {f"check-{form}": Case(*parts, status=1) for form, parts in forms.items()}
    written = {
        "bmf": "bmf.json",
        "github-action-benchmark": "smaller.json",
        "github-action-benchmark-bigger": "bigger.json",
        "junit": "junit.xml",
    }
    writes = " ".join(f"--write {form}={file}" for form, file in written.items())
    found["check-in-files"] = Case(
        f"{gate} --verbose --annotate {writes}", status=1, files=(*written.values(),)
    )
    found["check-one-plugin-with-tolerance"] = Case(
        f"{gate} jena_gru --metric train_step --tolerance train_step=0.2 --level 0.05"
    )
    found["check-allowed"] = Case(
        f"{gate} --allow worse --allow failed,not-measured --allow not-comparable"
    )
    found["check-records"] = Case(
        "check --baseline edited.json --candidate results --verbose", status=1
    )
    found["check-records-json"] = Case(
        "check --baseline edited.json --candidate results --format json", out=".json", status=1
    )

    found["history"] = Case("history history --output pictures.svg", files=("pictures.svg",))
    found["history-json"] = Case("history history --json", out=".json")
    found["history-quality"] = Case("history history --metric quality --plugin imdb_* --level 0.05")
    found["history-quality-json"] = Case("history history --metric quality --json", out=".json")
    return found


CASES = cases()
LIST = "list.json"


@pytest.fixture
def bench(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[str], tuple[int, str, str]]:
    """Run a command line in a copy of the golden folder; return its status and both outputs."""
    for name in ("results", "before-and-after", "history"):
        shutil.copytree(GOLDEN / name, tmp_path / name)
    # A folder "plugins" here would make this a project, which means its own plugins alone.
    shutil.copytree(GOLDEN / "plugins", tmp_path / "more" / "plugins")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    return lambda words: call(capsys, *words.split(" "))


def normalised(text: str) -> str:
    """Mask what depends on where a test runs, and not on what the suite says.

    Masked are the folder in which the suite's plugins are installed; the digits of a number
    behind the ninth, and behind the twelfth place; and the compressed influences of a
    baseline, whose bytes depend on the compressor: they become the numbers themselves, to
    eight places.
    """
    text = re.sub(r"(?:/|[A-Z]:\\)[^\s\"=]*[/\\]+plugins[/\\]+(?=\w+\.py)", "<plugins>/", text)
    text = re.sub(r"(?<=\"influences\": )\"([^\"]*)\"", _numbers, text)
    return re.sub(r"(?<![\w.])\d+\.\d+(?:e[-+]?\d+)?(?![\w.])", _rounded, text)


def _rounded(found: re.Match[str]) -> str:
    digits = found[0].partition("e")[0].replace(".", "").strip("0")
    return found[0] if len(digits) <= 9 else f"{round(float(found[0]), 12):.9g}"


def _numbers(found: re.Match[str]) -> str:
    numbers = np.frombuffer(zlib.decompress(base64.b64decode(found[1])), dtype="<f4")
    return json.dumps([round(float(number), 8) + 0.0 for number in numbers])


def words_of(path: Path) -> str:
    """Return what a file says: of a picture the words alone, of others the text."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".svg":
        return text
    elements = ElementTree.fromstring(text).iter("{http://www.w3.org/2000/svg}text")
    texts = ("".join(element.itertext()) for element in elements)
    return "".join(f"{' '.join(words.split())}\n" for words in texts if words.strip())


def assert_is_expected(text: str, name: str) -> None:
    """Compare what was said with a file of what is expected, which has to be there."""
    assert text.strip(), f"{name}: nothing was said"
    found = normalised(text)
    path = EXPECTED / name
    if UPDATE:
        path.parent.mkdir(exist_ok=True)
        path.write_text(found, encoding="utf-8", newline="\n")
    assert path.is_file(), f"{path} is missing: UPDATE_GOLDEN=1 makes it"
    expected = path.read_text(encoding="utf-8")
    assert expected.strip(), f"{path} is empty"
    assert found == expected


def expected_file(case: str, written: str) -> str:
    """Return the name of what is expected in a file that a command has written."""
    name = f"{case}.{written.replace('/', '.')}"
    return f"{name}.txt" if written.endswith(".svg") else name


def keep_an_edited_baseline() -> None:
    """Make ``edited.json``: the baseline ``quick.json``, from which the records differ now."""
    document = json.loads(Path("quick.json").read_text(encoding="utf-8"))
    plugins = {(each["label"], each["backend"]): each for each in document["plugins"]}
    gru, naive = plugins["jena_gru", "tensorflow"], plugins["jena_naive", "tensorflow"]
    gru["rounds"]["train_step"] = [[value / 2] for (value,) in gru["rounds"]["train_step"]]
    gru["rounds"]["predict"] = [[value * 2] for (value,) in gru["rounds"]["predict"]]
    gru["parameters"] -= 1
    for score in naive["quality"]["seeds"]:
        score |= {"value": score["value"] - 0.1, "digest": "another"}
    plugins["imdb_onehot", "tensorflow"]["data"] = "others"
    document["plugins"].remove(plugins["jena_gru", "jax"])
    Path("edited.json").write_text(json.dumps(document), encoding="utf-8")


@pytest.mark.parametrize("name", CASES)
def test_what_is_said_of_stored_results_stays_as_it_is(bench, name):
    case = CASES[name]
    if "edited.json" in case.words:
        assert bench(CASES["baseline-quick"].words)[0] == 0
        keep_an_edited_baseline()
    status, out, err = bench(case.words)

    assert (status, bool(out)) == (case.status, bool(case.out)), err
    if out:
        assert_is_expected(out, f"{name}{case.out}")
    if UPDATE and not err:
        (EXPECTED / f"{name}.err").unlink(missing_ok=True)
    if err or (EXPECTED / f"{name}.err").exists():
        assert_is_expected(err, f"{name}.err")
    for written in case.files:
        assert_is_expected(words_of(Path(written)), expected_file(name, written))


def test_the_list_tells_of_tasks_and_of_a_plugin(bench):
    status, out, err = bench("list --json --shipped --plugins more/plugins")
    document = json.loads(out)
    made = [each for each in document["plugins"] if each["name"] == "made_dense"]

    assert (status, err, len(made)) == (0, "", 1)
    assert_is_expected(json.dumps({**document, "plugins": made}, indent=1) + "\n", LIST)


def test_nothing_is_expected_that_no_command_says():
    known = {LIST}
    for name, case in CASES.items():
        known |= {f"{name}{case.out}" if case.out else "", f"{name}.err"}
        known |= {expected_file(name, written) for written in case.files}

    assert {path.name for path in EXPECTED.iterdir()} <= known


def test_the_cases_are_of_all_kinds():
    """The folder holds what the reports are to be tested with, whoever makes it again."""
    documents = [json.loads(path.read_text(encoding="utf-8")) for path in STORED]
    trials = [document["trial"] for document in documents]

    assert {trial["task"] for trial in trials} == {"jena", "imdb"}
    assert {trial["profile"] for trial in trials} == {"quick", "full"}
    assert {trial["backend"] for trial in trials} == {"tensorflow", "jax"}
    assert {document["status"] for document in documents} == {
        *("ok", "failed", "skipped", "diverged", "timeout", "crashed", "out_of_memory"),
    }
    assert {repeat["verdict"] for document in documents if (repeat := document["repeat"])} == {
        *("bit-identical", "different", None),
    }


# The records


def identity_of(trial: Mapping[str, Any]) -> str:
    """Digest over a trial but for what is only a label, as it was when the records were made."""
    later = ("overrides", "task_sha256")
    content = {name: value for name, value in trial.items() if name not in later}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize("path", STORED, ids=lambda path: path.stem)
def test_a_stored_identity_is_that_of_its_trial(path):
    document = json.loads(path.read_text(encoding="utf-8"))

    assert document["identity"] == identity_of(document["trial"])
    assert path.stem.endswith(f"Z-{document['identity'][:12]}")


@pytest.mark.parametrize("plugin", sorted({path.parent.name for path in STORED}))
def test_stored_records_are_read_whole_and_written_again_as_they_are(bench, plugin):
    """``show`` reads them, checks digest and identity, and writes them as a run would."""
    status, out, err = bench(f"show {plugin} --results results --json")
    stored = [path.read_text(encoding="utf-8") for path in STORED if path.parent.name == plugin]

    assert (status, err) == (0, "")
    assert [json.dumps(found, indent=1) + "\n" for found in json.loads(out)] == stored
