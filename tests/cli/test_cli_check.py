"""``check --baseline``, driven as a user drives it: every verdict and every exit status."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from builders import a_plugin
from command_line import call
from gate_world import MACHINE, key, plugin, quality, side, slowed, times
from tree_world import a_repository, commit, git

from bench.cli import check
from bench.gate import baseline
from bench.gate.model import Measurement
from bench.gate.report.people import marker

BEFORE = "reports/baseline.json"
AFTER = "after.json"


@dataclass
class Project:
    """A working folder with a baseline and what is judged beside it."""

    folder: Path
    capsys: pytest.CaptureFixture[str]
    out: str = ""
    err: str = ""

    def keep(self, file: str, *plugins: Measurement, **changes: Any) -> None:
        path = self.folder / file
        path.parent.mkdir(exist_ok=True)
        path.write_text(baseline.write(side(file, *plugins, **changes)), encoding="utf-8")

    def bench(self, *words: str) -> int:
        status, self.out, self.err = call(self.capsys, *words)
        return status

    def check(self, *words: str) -> int:
        return self.bench("check", "--candidate", AFTER, *words)

    def out_of_check(self, *words: str) -> str:
        self.check(*words)
        return self.out

    def findings(self, *words: str) -> dict[tuple[str, str], str]:
        """The verdicts of a check, by plugin and metric."""
        self.check("--format", "json", *words)
        found = json.loads(self.out)["findings"]
        return {(each["label"], each["metric"]): each["verdict"] for each in found}


@pytest.fixture
def project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Project:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    return Project(tmp_path, capsys)


def gru(**changes: Any) -> Measurement:
    """A plugin that has everything that can be compared."""
    usual = {"train_step": times(0.02), "peak_memory": times(9e8, noise=0.001)}
    return plugin(**{"quality": quality(), "rounds": usual, "parameters": 4673, **changes})


def with_steps(factor: float) -> Measurement:
    return gru(rounds={**gru().rounds, "train_step": slowed(times(0.02, seed=1), factor)})


# Verdicts and exit statuses


def test_the_same_again_is_unchanged(project):
    project.keep(BEFORE, gru())
    project.keep(AFTER, gru())
    assert project.check() == 0
    assert "unchanged" in project.out
    assert {*project.findings().values()} == {"unchanged"}


def test_a_slower_step_is_worse(project):
    project.keep(BEFORE, gru())
    project.keep(AFTER, with_steps(1.2))
    assert project.check() == 1
    assert project.findings()["jena_gru", "train_step"] == "worse"
    assert project.findings()["jena_gru", "peak_memory"] == "unchanged"


def test_a_faster_step_is_better(project):
    project.keep(BEFORE, gru())
    project.keep(AFTER, with_steps(0.8))
    assert project.check() == 0
    assert project.findings()["jena_gru", "train_step"] == "better"


def test_a_worse_error_is_worse_and_a_smaller_one_better(project):
    project.keep(BEFORE, gru())
    project.keep(AFTER, gru(quality=quality(0.30)))
    assert project.check() == 1
    project.keep(AFTER, gru(quality=quality(0.20)))
    assert project.check() == 0
    assert project.findings()["jena_gru", "quality"] == "better"


def test_a_smaller_accuracy_is_worse_for_higher_is_better(project):
    accuracy = {"metric": "accuracy", "direction": "max"}
    project.keep(BEFORE, gru(quality=quality(0.90, **accuracy)))
    project.keep(AFTER, gru(quality=quality(0.80, **accuracy)))
    assert project.check() == 1


def test_one_weight_more_is_worse(project):
    project.keep(BEFORE, gru())
    project.keep(AFTER, gru(parameters=4674))
    assert project.check() == 1
    assert project.findings()["jena_gru", "parameters"] == "worse"


def test_a_new_and_a_gone_plugin_are_told_and_let_pass(project):
    project.keep(BEFORE, gru(), plugin(key("jena_old")))
    project.keep(AFTER, gru(), plugin(key("jena_new")))
    assert project.check() == 0
    found = project.findings()
    assert found["jena_new", ""] == "new"
    assert found["jena_old", ""] == "gone"


def test_a_plugin_that_still_exists_but_was_not_run_is_not_gone(project):
    project.keep(BEFORE, gru(), plugin(key("jena_lstm")))
    project.keep(AFTER, gru())
    assert project.check() == 3
    assert project.findings()["jena_lstm", ""] == "not measured"
    project.check()
    assert "python -m bench run jena_lstm --profile quick" in project.out


def test_a_trial_that_failed_is_told_with_its_reason(project):
    project.keep(BEFORE, gru())
    project.keep(AFTER, plugin(status="diverged", reason="the training loss became nan"))
    assert project.check() == 3
    assert project.findings() == {("jena_gru", ""): "failed"}
    project.check()
    assert "the training loss became nan" in project.out


def test_one_seed_that_differs_cannot_be_told_from_chance_and_fails_only_if_asked(project):
    project.keep(BEFORE, gru(quality=quality(seeds=[0])))
    project.keep(AFTER, gru(quality=quality(0.2601, seeds=[0])))
    assert project.check() == 0
    assert project.findings()["jena_gru", "quality"] == "cannot tell"
    first, second, *_ = project.out_of_check().splitlines()
    assert first == "nothing worse: 4 verdicts on 1 plugin; exit status 0"
    assert second == "cannot tell: 1 of 4 verdicts; it takes 3 seeds a side (--seeds 0,1,2)"

    assert project.check("--fail-on", "cannot-tell") == 6
    assert project.out.startswith("cannot tell: 1 of 4 verdicts on 1 plugin; exit status 6")


def test_times_of_another_machine_are_not_comparable_and_quality_is(project):
    project.keep(BEFORE, gru())
    project.keep(AFTER, gru(), machine={**MACHINE, "cores": 64})
    assert project.check() == 5
    found = project.findings()
    assert found["jena_gru", "train_step"] == "not comparable"
    assert found["jena_gru", "quality"] == "unchanged"


def test_other_data_are_not_comparable(project):
    project.keep(BEFORE, gru())
    project.keep(AFTER, gru(data="other"))
    assert project.check() == 5


def test_worse_goes_before_what_was_not_measured_and_that_before_the_incomparable(project):
    lstm, rnn = plugin(key("jena_lstm")), plugin(key("jena_dense"))
    project.keep(BEFORE, gru(), lstm, rnn)
    failed = replace(lstm, status="crashed", reason="signal 9")
    project.keep(AFTER, with_steps(1.5), failed, replace(rnn, data="other"))
    assert project.check() == 1
    assert project.check("--allow", "worse") == 3
    assert project.check("--allow", "worse", "--allow", "failed") == 5
    assert project.check("--allow", "worse,failed,not-comparable") == 0
    assert "worse" in project.out


def test_what_to_fail_by_and_what_to_allow_are_said_by_the_project_and_the_options(project):
    project.keep(BEFORE, gru(), plugin(key("jena_old")))
    project.keep(AFTER, gru())
    assert project.check() == 0
    assert project.check("--fail-on", "gone") == 6
    (project.folder / "pyproject.toml").write_text(
        "[tool.bench.check]\nfail_on = ['gone', 'cannot-tell']\n", encoding="utf-8"
    )
    assert project.check() == 6
    assert project.check("--allow", "gone") == 0
    assert project.check("--allow", "gone", "--fail-on", "gone") == 2
    assert "--allow and --fail-on both name 'gone'" in project.err
    assert project.check("--fail-on", "unchanged") == 2


def test_for_bisect_a_slowdown_is_bad_and_what_was_not_judged_is_skipped(project):
    broken = plugin(status="failed", reason="ImportError: gone")
    project.keep(BEFORE, gru())
    for after, status, word in (
        (gru(), 0, "good: 4 unchanged"),
        (with_steps(1.2), 1, "bad: 1 worse, 3 unchanged"),
        (broken, 1, "bad: 1 failed"),
        (gru(quality=quality(0.2601, seeds=[0])), 125, "not judged, to be skipped: 1 cannot tell"),
        (gru(data="other"), 125, "not judged, to be skipped: 1 not comparable"),
    ):
        project.keep(AFTER, after)
        assert project.check("--bisect") == status
        assert project.out.startswith(word)
        assert f"exit status {status}" in project.out.splitlines()[0]
    assert project.check("--bisect", "--allow", "failed", "--metric", "parameters") == 125
    project.keep(BEFORE, broken)
    project.keep(AFTER, broken)
    assert project.check("--bisect") == 125


def test_git_bisect_finds_the_slow_commit_past_one_that_cannot_be_judged(project):
    folder = a_repository(project.folder / "models")
    elsewhere = project.folder / "good.json"
    slow = with_steps(1.3)
    steps = [gru(), gru(), gru(), gru(data="other"), gru(), slow, slow]
    project.keep("good.json", gru())
    for number, measured in enumerate(steps):
        project.keep("models/after.json", measured)
        (folder / "number").write_text(str(number))
        commit(folder, f"commit {number}")
    git(folder, "bisect", "start", "HEAD", "HEAD~6")
    line = [sys.executable, "-m", "bench", "check", "--bisect", "--candidate", "after.json"]
    found = git(folder, "bisect", "run", *line, "--baseline", str(elsewhere))

    assert re.search("is the first bad commit", found)
    log = git(folder, "bisect", "log")
    assert re.search("# first bad commit: .* commit 5", log)
    assert re.search("# skip: .* commit 3", log)


@pytest.mark.parametrize(
    "words", [["--no-such-option"], ["--metric", "speed"], ["--candidate", "gone.json"], ["--help"]]
)
def test_a_wrong_command_line_ends_a_bisect_and_makes_no_revision_bad(project, words):
    project.keep(BEFORE, gru())
    project.keep(AFTER, gru())
    assert project.check("--bisect", *words) == (0 if words == ["--help"] else 128)
    assert project.bench("check", "--bisect", "--baseline", "none.json") == 128


def test_a_fault_of_the_suite_ends_a_bisect(project, monkeypatch):
    project.keep(BEFORE, gru())
    monkeypatch.setattr(check, "_refuse_strays", lambda *words: 1 / 0)
    assert project.check("--bisect") == 128
    assert project.bench("check", "--bisect", "--debug") == 128
    assert "ZeroDivisionError" in project.err


def test_the_first_check_explains_itself(project):
    assert project.bench("check") == 4
    assert "python -m bench baseline" in project.err
    assert "python -m bench check --against" in project.err
    assert project.out == ""


# What is compared, and how


def test_tolerances_of_single_plugins_hold_for_these_and_mistyped_names_are_told(project):
    (project.folder / "pyproject.toml").write_text(
        '[tool.bench.check.plugins."jena_g*"]\ntrain_step = 0.5\n'
        "[tool.bench.check.plugins.jena_grv]\nparameters = 0.1\n",
        encoding="utf-8",
    )
    project.keep(BEFORE, gru())
    project.keep(AFTER, with_steps(1.2))
    assert project.check() == 0
    told = '[tool.bench.check.plugins."jena_grv"] matches no plugin'
    assert f"warning: {told} (did you mean 'jena_gru'?)" in project.err
    assert "jena_g*" not in project.err
    assert project.check("--tolerance", "train_step=0.02") == 1


def test_names_globs_and_tasks_narrow_a_check(project):
    project.keep(BEFORE, gru(), plugin(key("imdb_lstm"), parameters=1))
    project.keep(AFTER, gru(), plugin(key("imdb_lstm"), parameters=2))
    assert project.check("jena_*") == 0
    assert project.check("--task", "imdb") == 1
    assert project.check("jena_gur") == 2
    assert "jena_gru" in project.err


def test_only_what_was_trained_as_the_baseline_was_is_compared(project):
    project.keep(BEFORE, gru())
    project.keep(AFTER, gru(), plugin(key("jena_gru", profile="full")))
    assert project.check() == 0
    assert {label for label, _ in project.findings()} == {"jena_gru"}
    assert ("jena_gru", "") not in project.findings()


def test_the_project_says_what_is_tolerated_and_options_go_first(project):
    (project.folder / "pyproject.toml").write_text(
        "[tool.bench.check.tolerances]\ntrain_step = 0.5\n", encoding="utf-8"
    )
    project.keep(BEFORE, gru())
    project.keep(AFTER, with_steps(1.2))
    assert project.check() == 0
    assert project.check("--tolerance", "train_step=0.02") == 1
    assert project.check("--tolerance", "train_step=0.02", "--metric", "quality") == 0


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["--tolerance", "train_stop=1"], "train_step"),
        (["--allow", "wurst"], "worse"),
        (["--metric", "speed"], "train_step"),
        (["--level", "7"], "--level"),
        (["--write", "pdf=x"], "junit"),
        (["--write", "md=x", "--write", "json=x"], "twice"),
        (["--quick"], "--against"),
        (["--pairs", "3"], "--against"),
        (["--baseline", "gone.json"], "gone.json"),
    ],
)
def test_what_cannot_be_understood_is_one_line_that_says_what_can(project, words, complaint):
    project.keep(BEFORE, gru())
    project.keep(AFTER, gru())
    status = project.check(*words)
    assert status == (4 if "--baseline" in words else 2)
    assert complaint in project.err
    assert "Traceback" not in project.err


def test_a_damaged_baseline_is_named(project):
    project.keep(BEFORE, gru())
    project.keep(AFTER, gru())
    (project.folder / BEFORE).write_text("{", encoding="utf-8")
    assert project.check() == 2
    assert "baseline.json" in project.err


def test_a_candidate_that_is_missing_is_no_missing_baseline(project):
    project.keep(BEFORE, gru())
    assert project.check() == 2
    assert AFTER in project.err


def test_without_records_it_says_to_run_some(project):
    project.keep(BEFORE, gru())
    (project.folder / "empty").mkdir()
    assert project.bench("check", "--results", "empty") == 2
    assert "python -m bench run" in project.err


# What is written


def test_every_form_is_written_at_once(project):
    project.keep(BEFORE, gru())
    project.keep(AFTER, with_steps(1.2))
    forms = ["md", "junit", "json", "annotations", "text", "bmf", "github-action-benchmark"]
    words = [word for form in forms for word in ("--write", f"{form}=out/{form}.txt")]
    assert project.check(*words) == 1

    def read(form: str) -> str:
        return (project.folder / "out" / f"{form}.txt").read_text(encoding="utf-8")

    assert read("md").startswith(marker())
    assert len(ElementTree.fromstring(read("junit")).findall(".//failure")) == 1
    assert json.loads(read("json"))["status"] == 1
    assert read("annotations").startswith("::error ")
    assert json.loads(read("bmf"))
    assert any("train" in each["name"] for each in json.loads(read("github-action-benchmark")))


def test_in_a_workflow_annotations_go_to_standard_error(project, monkeypatch):
    project.keep(BEFORE, gru())
    project.keep(AFTER, with_steps(1.2))
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    project.check("--format", "md")
    assert "::error " in project.err
    assert "::error " not in project.out
    project.check("--no-annotate")
    assert "::error " not in project.err


def annotated(project: Project, plugins: Path) -> str:
    """Check a plugin of a folder that has failed; return the annotation of it."""
    plugins.mkdir(parents=True)
    a_plugin(plugins, "mine")
    named = key("mine", task="jena")
    project.keep(BEFORE, plugin(named, parameters=1))
    project.keep(AFTER, plugin(named, parameters=2))
    assert project.check("--plugins", str(plugins), "--format", "annotations") == 1
    return project.out


def test_annotations_give_paths_from_the_root_of_the_repository_also_in_a_folder_of_it(
    project, monkeypatch
):
    git(project.folder, "init", "--quiet")
    inner = project.folder / "packages" / "models"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    within = replace(project, folder=inner)

    assert annotated(within, Path("plugins")).startswith(
        "::error file=packages/models/plugins/mine.py,title="
    )


def test_annotations_outside_of_any_repository_give_paths_from_the_working_folder(project):
    assert annotated(project, Path("plugins")).startswith("::error file=plugins/mine.py,title=")


def test_annotations_of_a_plugin_elsewhere_mark_no_file(project, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "plugins"

    assert annotated(project, elsewhere).startswith("::error title=jena mine%3A worse::")


def test_a_check_with_a_name_has_a_comment_of_its_own(project):
    project.keep(BEFORE, gru())
    project.keep(AFTER, gru())
    project.check("--name", "on two cores", "--format", "md")

    assert project.out.startswith("<!-- bench check: on two cores -->\n")


@pytest.mark.parametrize("name", ["a -->", "a--b", "-a", "a\nb", "é", "a" * 61])
def test_a_name_that_would_end_the_comment_is_refused(project, name):
    project.keep(BEFORE, gru())

    assert project.check("--name", name) == 2
    assert project.err.startswith("error: --name ")
    assert len(project.err.splitlines()) == 1


def test_what_is_unchanged_is_folded_unless_asked_for(project):
    project.keep(BEFORE, gru())
    project.keep(AFTER, gru())
    project.check()
    assert "peak memory" not in project.out
    project.check("--verbose")
    assert "peak memory" in project.out


def test_help_states_every_exit_status(project):
    assert project.bench("check", "--help") == 0
    for status in (
        *("0 nothing", "1 something", "2 the command", "3 something", "4 there", "5 some"),
        *("6 a verdict that --fail-on alone names", "130 interrupted", "--bisect it is 0, 1, 125"),
    ):
        assert status in " ".join(project.out.split())


def test_checking_imports_neither_keras_nor_tensorflow(project):
    project.keep(BEFORE, gru())
    code = (
        "import sys; from bench.cli import main\n"
        f"try: main(['check', '--candidate', {BEFORE!r}])\n"
        "except SystemExit as end: assert end.code == 0, end.code\n"
        "assert not {'keras', 'tensorflow'} & {*sys.modules}, 'imported'"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
