"""What a person sees of a run, on a terminal and in a log."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from types import SimpleNamespace

import pytest
from builders import a_record, a_repeat
from rich.console import Console

from bench.plan.order import Durations
from bench.plan.plan import Planned
from bench.protocol import CRASHED, FAILED, SKIPPED, EpochDone
from bench.records.record import DIFFERENT, Record
from bench.registry.plugins import Plugin
from bench.runs.progress import LiveBar, PlainLines, TimeLeft, observer_for, result_line

ODD = "[bold]x[/nobody] :rocket: \x1b[31m\n[red]"


def planned(record: Record, **fate: object) -> Planned:
    name = record.trial.plugin
    return Planned(record.trial, Plugin(name, Path(f"{name}.py")), **fate)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Seconds that pass when the test says so, for the estimate of the time left."""
    now = SimpleNamespace(seconds=0.0)
    monkeypatch.setattr("bench.runs.progress.time", SimpleNamespace(monotonic=lambda: now.seconds))
    return now


def log(durations: Durations | None = None, slots: int = 1) -> tuple[PlainLines, StringIO]:
    file = StringIO()
    observer = observer_for(Console(file=file, width=60), TimeLeft(durations, lambda: slots))
    assert isinstance(observer, PlainLines)
    return observer, file


def terminal() -> tuple[LiveBar, StringIO]:
    file = StringIO()
    console = Console(
        file=file, width=150, force_terminal=True, legacy_windows=False, _environ={"TERM": "xterm"}
    )
    observer = observer_for(console, TimeLeft())
    assert isinstance(observer, LiveBar)
    return observer, file


def test_a_terminal_that_cannot_redraw_gets_plain_lines():
    dumb = Console(file=StringIO(), force_terminal=True, _environ={"TERM": "dumb"})
    assert isinstance(observer_for(dumb, TimeLeft()), PlainLines)


def test_a_trial_that_may_be_elsewhere_is_shown_with_its_machine():
    record = a_record("a", 0.26)
    (plain, file), (bar, screen) = log(), terminal()
    for observer in (plain, bar):
        observer.begin([planned(record)])
        observer.started(planned(record), "node1")
        # Its worker was lost, and it begins anew.
        observer.started(planned(record), "node2")
        observer.end()
    plain.finished(record, reused=False)

    assert file.getvalue().splitlines()[-1].endswith(" on node2")
    assert "on node2" in screen.getvalue()


def test_a_log_has_a_line_a_trial_with_quality_or_reason_and_the_time_left(clock):
    observer, file = log()
    first, second = a_record("a", 0.26), a_record("b", status=FAILED, reason="no")
    kept, skipped = a_record("c", 0.3), a_record("d", status=SKIPPED, reason="needs torch")
    observer.begin(
        [
            planned(kept, reused=kept),
            planned(skipped, verdict=SKIPPED, reason="needs torch"),
            planned(first),
            planned(second),
        ]
    )
    observer.finished(kept, reused=True)
    observer.finished(skipped, reused=False)
    observer.started(planned(first))
    clock.seconds = 30.0
    observer.epoch(planned(first), EpochDone(1, 4, 0.27))
    observer.finished(first, reused=False)
    observer.started(planned(second))
    clock.seconds = 31.0
    observer.finished(second, reused=False)
    observer.warn("the disk is full")
    observer.end()

    assert file.getvalue().split("\n") == [
        "4 trials: 2 to run, 1 reused, 1 that cannot run",
        "[1/4] jena c seed 0: validation mae 0.3000, test 0.3150, reused",
        "[2/4] jena d seed 0: skipped: needs torch",
        "[3/4] jena a seed 0: validation mae 0.2600, test 0.2730, in 14.0 s (perhaps 30.0 s left)",
        "[4/4] jena b seed 0: failed: no",
        "warning: the disk is full",
        "",
    ]


def test_a_log_counts_the_repeats_anew_and_gives_their_verdicts(clock):
    observer, file = log()
    first, repeats = a_record("a"), [a_repeat("a"), a_repeat("b", DIFFERENT, 0.5)]
    observer.begin([planned(first)])
    observer.finished(first, reused=False)
    observer.begin([planned(record, first=first) for record in repeats])
    for record in repeats:
        observer.started(planned(record, first=first))
        clock.seconds += 5
        observer.finished(record, reused=False)
    observer.finished(a_repeat("c", status=FAILED, reason="no"), reused=False)
    observer.finished(repeats[1], reused=True)

    assert file.getvalue().split("\n")[2:] == [
        "2 repeats: 2 to run",
        "[1/2] repeat of jena a seed 0: bit-identical, in 14.0 s (perhaps 5.0 s left)",
        "[2/2] repeat of jena b seed 0: different, by up to 0.5, in 14.0 s",
        "[3/2] repeat of jena c seed 0: failed: no",
        "[4/2] jena b seed 0: validation mae 0.2600, test 0.2730, reused",
        "",
    ]


def test_a_terminal_goes_on_to_the_repeats():
    observer, file = terminal()
    first, repeat = a_record("a"), a_repeat("a")
    observer.begin([planned(first)])
    observer.finished(first, reused=False)
    observer.begin([planned(repeat, first=first)])
    observer.started(planned(repeat, first=first))
    observer._progress.refresh()
    observer.finished(repeat, reused=False)
    observer.end()
    assert "repeat of a seed 0" in file.getvalue()
    assert "repeat of jena a seed 0: bit-identical, in 14.0 s" in file.getvalue()
    assert "0/1" in file.getvalue()


def test_a_log_line_is_not_broken_at_the_width_of_a_screen():
    observer, file = log()
    observer.begin([])
    observer.finished(a_record(status=FAILED, reason="word " * 50), reused=False)
    assert len(file.getvalue().rstrip("\n").split("\n")) == 2


def test_what_looks_like_markup_in_a_log_is_text():
    observer, file = log()
    observer.begin([])
    observer.finished(a_record(ODD, status=FAILED, reason=ODD), reused=False)
    observer.warn(ODD)
    lines = file.getvalue().rstrip("\n").split("\n")
    clean = "[bold]x[/nobody] :rocket: ?[31m [red]"
    assert lines[1] == f"[1/0] jena {clean} seed 0: failed: {clean}"
    assert lines[2] == f"warning: {clean}"


def test_a_terminal_shows_trial_epoch_metric_and_time_left(clock):
    observer, file = terminal()
    first, second = a_record("the_first"), a_record("the_second")
    observer.begin([planned(first), planned(second)])
    observer.started(planned(first))
    observer.epoch(planned(first), EpochDone(3, 20, 0.2718))
    observer._progress.refresh()
    during = file.getvalue()
    clock.seconds = 30.0
    observer.finished(first, reused=False)
    observer.started(planned(second))
    observer._progress.refresh()
    after = file.getvalue()[len(during) :]
    observer.end()

    assert "trials" in during
    assert "the_first seed 0" in during
    assert "3/20" in during
    assert "epoch 3, validation 0.2718" in during
    assert "the_first seed 0: validation mae 0.2600" in after
    assert "perhaps 30.0 s left" in after
    assert "the_second seed 0" in after


def test_a_trial_without_epochs_does_not_inherit_those_of_the_last():
    observer, file = terminal()
    first, second = a_record("a"), a_record("b", trial={"training": {"epochs": 0}})
    observer.begin([planned(first), planned(second)])
    observer.started(planned(first))
    observer.epoch(planned(first), EpochDone(20, 20, 0.3))
    observer.finished(first, reused=False)
    before = len(file.getvalue())
    observer.started(planned(second))
    observer._progress.refresh()
    observer.end()
    assert "/20" not in file.getvalue()[before:]


def test_what_looks_like_markup_on_a_terminal_is_text():
    observer, file = terminal()
    record = a_record(ODD, status=FAILED, reason=ODD)
    observer.begin([planned(record)])
    observer.started(planned(record))
    observer._progress.refresh()
    observer.finished(record, reused=False)
    observer.warn(ODD)
    observer.end()
    printed = file.getvalue()
    assert printed.count("[bold]x[/nobody] :rocket: ?[31m [red]") >= 4
    assert "\x1b[31m\n" not in printed


def test_the_bar_is_gone_when_the_run_is_over_or_never_began():
    observer, _ = terminal()
    observer.end()
    observer.begin([])
    assert observer._progress.live.is_started
    observer.end()
    assert not observer._progress.live.is_started


def test_a_reused_result_says_so_in_place_of_its_time():
    assert result_line(a_record(), reused=False).endswith("test 0.2730, in 14.0 s")
    assert result_line(a_record(), reused=True).endswith("test 0.2730, reused")


def test_one_trial_is_not_called_trials():
    observer, file = log()
    observer.begin([planned(a_record())])
    assert file.getvalue() == "1 trial: 1 to run\n"


def test_a_crash_that_is_tried_again_says_so_and_is_not_the_end_of_the_trial(clock):
    observer, file = log()
    record = a_record("a", status=CRASHED, reason="ended by SIGSEGV")
    observer.begin([planned(record)])
    observer.retrying(record, 1, 2)
    observer.finished(record, reused=False)
    assert file.getvalue().splitlines()[1:] == [
        "jena a seed 0: crashed: ended by SIGSEGV; retrying (1 of 2)",
        "[1/1] jena a seed 0: crashed: ended by SIGSEGV",
    ]


def test_a_trial_that_is_tried_again_has_one_bar():
    observer, _ = terminal()
    record = a_record("a", status=CRASHED, reason="ended by SIGSEGV")
    observer.begin([planned(record)])
    observer.started(planned(record))
    observer.retrying(record, 1, 2)
    observer.started(planned(record))
    assert len(observer._progress.tasks) == 2
    observer.end()


def test_a_run_that_waits_for_others_says_for_how_many_trials():
    for observer, file in (log(), terminal()):
        observer.begin([])
        observer.waiting(1)
        observer.waiting(2)
        observer.end()
        assert "waiting for 1 trial that another run has in progress on this folder\n" in (
            file.getvalue()
        )
        assert "waiting for 2 trials that other runs have in progress" in file.getvalue()


def test_a_trial_that_another_run_has_done_is_not_counted_in_the_time_left(clock):
    observer, file = log()
    records = [a_record(name) for name in ("a", "b", "c")]
    observer.begin([planned(record) for record in records])
    observer.started(planned(records[0]))
    clock.seconds = 60.0
    observer.finished(records[0], reused=False)
    observer.finished(records[1], reused=True)
    assert "(perhaps 2.0 min left)" in file.getvalue().splitlines()[1]
    assert "(perhaps 60.0 s left)" in file.getvalue().splitlines()[2]


def test_a_log_says_what_is_known_of_the_time_before_the_first_trial_and_after_each(clock):
    records = [a_record(name) for name in ("a", "b", "c")]
    durations = Durations(records, records[0].environment["machine"])
    observer, file = log(durations, slots=2)
    observer.begin([planned(record) for record in records])
    observer.started(planned(records[0]))
    observer.started(planned(records[1]))
    clock.seconds += 10
    observer.finished(records[1], reused=False)
    lines = file.getvalue().splitlines()
    assert lines[0] == "3 trials: 3 to run in about 28.0 s"
    assert lines[1].endswith(", in 14.0 s (about 14.0 s left)")


def test_a_terminal_has_a_bar_for_each_running_trial(clock):
    observer, file = terminal()
    first, second, third = (a_record(name) for name in ("one", "two", "three"))
    observer.begin([planned(record) for record in (first, second, third)])
    observer.started(planned(first))
    observer.started(planned(second))
    observer.epoch(planned(first), EpochDone(3, 20, 0.2718))
    observer.epoch(planned(second), EpochDone(7, 20, 0.3141))
    observer._progress.refresh()
    during = file.getvalue()
    observer.finished(first, reused=False)
    observer.started(planned(third))
    observer._progress.refresh()
    after = file.getvalue()[len(during) :].split("trials")[-1]
    observer.end()

    assert "one seed 0" in during
    assert "epoch 3, validation 0.2718" in during
    assert "epoch 7, validation 0.3141" in during
    assert "one seed 0" not in after
    assert "7/20" in after
    assert "three seed 0" in after
