"""``check --baseline`` judges the working tree: what the folder of results holds may be older."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from builders import a_plugin, a_record
from command_line import call

from bench.records.record import Record
from bench.records.store import Store
from bench.registry.discover import discover

Check = Callable[..., tuple[int, str, str]]


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A plugin of a project in the working folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    (tmp_path / "mine").mkdir()
    return a_plugin(tmp_path / "mine", "my_model")


@pytest.fixture
def check(file: Path, capsys: pytest.CaptureFixture[str]) -> Check:
    """Check a baseline made of the plugin's record; return status, verdict and reason."""
    Store(Path("reports")).write(record_of(file))
    kept = call(capsys, "baseline", "--plugins", "mine", "--output", "kept.json")
    assert kept[0] == 0, kept[2]

    def run(*words: str) -> tuple[int, str, str]:
        words = ("check", "--baseline", "kept.json", "--metric", "parameters", *words)
        status, out, _ = call(capsys, *words, "--plugins", "mine", "--format", "json")
        (found,) = json.loads(out)["findings"]
        return status, found["verdict"], found["reason"]

    return run


def record_of(file: Path, parameters: int = 5) -> Record:
    (plugin,) = [p for p in discover([file.parent]).plugins if p.name == file.stem]
    return a_record(
        file.stem,
        trial={"plugin_sha256": plugin.sha256},
        model={"parameters": parameters, "size": 4 * parameters},
    )


def test_the_plugin_as_it_was_measured_is_unchanged(check):
    assert check() == (0, "unchanged", "")


def test_a_plugin_that_was_edited_since_is_not_measured(check, file):
    file.write_text(file.read_text() + "# edited\n")

    status, verdict, reason = check()
    assert (status, verdict) == (3, "not measured")
    assert "edited since; run it: python -m bench run my_model --profile quick" in reason


def test_run_again_it_is_measured_as_it_is_now(check, file):
    file.write_text(file.read_text() + "# edited\n")
    Store(Path("reports")).write(record_of(file, parameters=7))

    assert check()[:2] == (1, "worse")


def test_a_plugin_that_was_deleted_has_gone(check, file):
    file.unlink()

    assert check()[1] == "gone"


def test_a_plugin_that_was_renamed_has_gone_and_the_new_one_is_not_measured_for_it(check, file):
    file.rename(file.with_name("other_model.py"))

    assert check()[1] == "gone"


def test_a_plugin_that_does_not_parse_any_more_has_failed(check, file):
    file.write_text(file.read_text() + "def broken(:\n")

    status, verdict, reason = check()
    assert (status, verdict) == (3, "failed")
    assert "my_model.py:" in reason


def test_a_plugin_whose_package_is_gone_is_not_measured(check, file):
    source = file.read_text()
    file.write_text(f"{source}\n\ndef later():\n    import no_such_package\n")
    Store(Path("reports")).write(record_of(file))

    status, verdict, reason = check()
    assert (status, verdict) == (3, "not measured")
    assert "needs no_such_package, not installed" in reason


def test_a_folder_that_is_named_as_the_candidate_is_taken_as_it_is(check, file):
    file.write_text(file.read_text() + "# edited\n")

    assert check("--candidate", "reports")[:2] == (0, "unchanged")
