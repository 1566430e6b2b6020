"""``bench.run`` runs as the command does: the same options, refusals, records and tables."""

from __future__ import annotations

import inspect
import os
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from run_world import an_outcome
from verify_world import Place, Workshop

import bench
from bench.cli.run import command
from bench.plan.plan import RunOptions
from bench.protocol import CRASHED
from bench.runs.interruption import _ECHO
from bench.runs.session import RunResult

#: What the command calls otherwise.
NAMES = {"everything": "all", "overrides": "set", "backends": "backend", "with_shipped": "shipped"}
#: What the command has other words for.
OTHER_DEFAULTS = {
    "names": inspect.Parameter.empty,
    "seeds": (0,),
    "set": None,
    "data": None,
    "verify": False,
    "max_seeds": None,
    "results": None,
}

MakePlace = Callable[..., Place]


def run_in(place: Place, *names: str, **options: Any) -> bench.Results:
    return bench.run(
        *names, plugins="my-plugins", data={"jena": place.weather}, profile="smoke", **options
    )


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[RunOptions]:
    """What the runs of a test are asked for; none is run."""
    asked: list[RunOptions] = []

    def note(options: RunOptions, *anything: object) -> RunResult:
        asked.append(options)
        return RunResult(0)

    monkeypatch.setattr("bench.runs.session.run_benchmark", note)
    return asked


def test_every_option_of_the_command_is_an_argument_with_its_default():
    parameters = inspect.signature(bench.run).parameters
    context = command.make_context("run", ["model"])
    by_command = {NAMES.get(name, name): value for name, value in context.params.items()}
    defaults = {name: parameter.default for name, parameter in parameters.items()}

    assert defaults == {**by_command, **OTHER_DEFAULTS, "progress": True}


def test_values_come_to_the_trial_as_they_were_given(tmp_path, asked):
    given = {
        "units": np.int64(64),
        "rate": 1e-3,
        "text": "64",
        "words": "1,2",
        "kernels": [3, 5],
        "options": {"a": None},
        "is_on": True,
        "nothing": None,
    }

    bench.run("model", set=given, results=tmp_path, seeds=range(3), backend=["tensorflow"])

    assert asked[0].overrides == {**given, "units": 64}
    assert asked[0].seeds == (0, 1, 2)
    assert asked[0].results == tmp_path


def test_its_records_keep_the_line_that_repeats_it(tmp_path, asked):
    bench.run("a", "b*", seeds=[1, 2], set={"units": 3}, verify=2, jobs=2, results=tmp_path)
    bench.run(all=True, verify=True, results=tmp_path)

    first, second = (options.command.replace(str(tmp_path), "DIR") for options in asked)
    assert first == (
        "python -m bench run a 'b*' --seeds 1,2 --jobs 2 --results DIR --set units=3 --verify 2"
    )
    assert second == "python -m bench run --all --results DIR --verify"


@pytest.mark.parametrize(
    ("names", "options", "said"),
    [
        ([], {}, "name the plugins to run"),
        (["jena_nave"], {}, "did you mean 'jena_naive'"),
        (["jena_naive"], {"profile": "ful"}, "--profile"),
        (["jena_naive"], {"seeds": 3}, r"--seeds 3: give a list, like \[0, 1, 2\]"),
        (["jena_naive"], {"seeds": [1, 1]}, "--seeds: 1 is given twice"),
        (["jena_naive"], {"max_seeds": 5}, "--max-seeds: is the limit of --until-separated"),
        (["jena_naive"], {"plugins": "nowhere"}, "--plugins nowhere: is not a folder"),
        (["jena_naive"], {"jobs": 0}, "--jobs"),
    ],
)
def test_what_the_command_refuses_is_refused_in_its_words(
    tmp_path, monkeypatch, names, options, said
):
    monkeypatch.chdir(tmp_path)

    with pytest.raises(bench.BenchError, match=said) as refused:
        bench.run(*names, **options)

    assert "\n" not in str(refused.value)
    assert not any(tmp_path.iterdir())


def test_a_trial_that_fails_is_a_row_and_raises_nothing(make_place: MakePlace):
    crashed = an_outcome(CRASHED, "the worker was ended by SIGSEGV")
    place = make_place(Workshop(outcomes={"broken": [crashed]}), ["fine", "broken"])

    found = run_in(place, "fine", "broken", seeds=[0, 1])

    frame = found.frame()
    assert len(found) == len(frame) == 4
    assert {*zip(frame["plugin"], frame["seed"], frame["status"], strict=True)} == {
        ("fine", 0, "ok"),
        ("fine", 1, "ok"),
        ("broken", 0, "crashed"),
        ("broken", 1, "ok"),
    }
    assert [*frame[frame["status"] == "crashed"]["reason"]] == [crashed.reason]
    assert frame["current"].all()


def test_what_was_reused_and_repeated_is_among_its_trials_and_nothing_else(make_place: MakePlace):
    place = make_place(Workshop(), ["fine", "other"])
    run_in(place, "fine", "other")

    again = run_in(place, "fine", verify=True).frame()

    assert [*again["plugin"]] == ["fine", "fine"]
    assert [*again["repeat"].fillna("")] == ["", "bit-identical"]
    assert place.workshop.times["fine", 0] == 2


def test_it_shows_the_tables_that_the_command_prints(make_place: MakePlace):
    place = make_place(Workshop(), ["fine", "other"])
    run_in(place, "other", "fine")

    found = run_in(place, "fine")

    assert place.run("fine", "--profile", "smoke") == 0
    assert f"{found.leaderboard()}\n" == place.out
    assert "other" in place.out


def test_progress_is_told_on_standard_error_or_not_at_all(
    make_place: MakePlace, capsys: pytest.CaptureFixture[str]
):
    place = make_place(Workshop(), ["fine"])

    run_in(place, "fine")
    told = capsys.readouterr()
    run_in(place, "fine", reuse="never", progress=False)
    silent = capsys.readouterr()

    assert told.out == ""
    assert "[1/1] jena fine seed 0" in told.err
    assert (silent.out, silent.err) == ("", "")


def test_interrupted_it_ends_in_order_and_the_same_call_goes_on(
    make_place: MakePlace, heard_signals: None, capsys: pytest.CaptureFixture[str]
):
    def interrupt(*anything: object) -> None:
        if not workshop.outcomes:
            # A second one, as of a person who waits for the first, changes nothing.
            for _ in range(2):
                os.kill(os.getpid(), signal.SIGINT)
                time.sleep(2 * _ECHO)

    workshop = Workshop(before=interrupt)
    place = make_place(workshop, ["fine"])

    with pytest.raises(KeyboardInterrupt, match="finished trials are kept in reports"):
        run_in(place, "fine", seeds=[0, 1])
    assert "resume with: the same call" in capsys.readouterr().err
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    workshop.outcomes["nothing"] = []
    assert len(run_in(place, "fine", seeds=[0, 1]).frame()) == 2


def test_it_runs_in_another_thread_than_the_main_one(make_place: MakePlace):
    place = make_place(Workshop(), ["fine"])
    found: list[bench.Results] = []

    thread = threading.Thread(target=lambda: found.append(run_in(place, "fine")))
    thread.start()
    thread.join()

    assert [*found[0].frame()["status"]] == ["ok"]
