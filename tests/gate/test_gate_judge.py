"""Two sides are judged: which plugins and metrics are worse, and what cannot be told."""

from __future__ import annotations

import subprocess
import sys
import zlib
from dataclasses import replace

import pytest
from gate_world import MACHINE, SETTINGS, key, plugin, quality, side, slowed, times

from bench.gate import judge_costs
from bench.gate.judge import judge, notes, report
from bench.gate.model import Finding, Measurement, Need, Side, decide
from bench.gate.settings import CheckSettings
from bench.metrics import (
    COMPILE,
    METRICS,
    PARAMETERS,
    PEAK_MEMORY,
    PREDICT,
    QUALITY,
    START_UP,
    TRAIN_STEP,
)

SETTINGS_OF_CHECK = CheckSettings()


def judged(base: Measurement, candidate: Measurement, **options) -> Finding:
    """Judge the only finding that two measurements of one plugin leave."""
    (found,) = judge(side("main", base), side("change", candidate), SETTINGS_OF_CHECK, **options)
    return found


def stepping(factor: float = 1.0, seed: int = 0, **changes) -> Measurement:
    """Make a plugin whose training step takes 20 ms times a factor."""
    return plugin(rounds={TRAIN_STEP: times(0.02 * factor, seed=seed)}, **changes)


def beside(base: Measurement, candidate: Measurement, again: Measurement, **changes) -> Finding:
    return judged(base, candidate, control=side("main", again), paired=True, **changes)


# The rule


@pytest.mark.parametrize(
    ("interval", "lower_is_better", "higher_is_better"),
    [
        ((0.03, 0.05), "worse", "better"),
        ((-0.05, -0.03), "better", "worse"),
        ((-0.05, 0.05), "cannot tell", "cannot tell"),
        ((-0.021, 0.021), "cannot tell", "cannot tell"),
        ((-0.01, 0.05), "cannot tell", "unchanged"),
        ((-0.05, 0.01), "unchanged", "cannot tell"),
        ((0.01, 0.04), "unchanged", "unchanged"),
        ((-0.02, 0.02), "unchanged", "unchanged"),
        ((0.02, 0.02), "unchanged", "unchanged"),
    ],
)
def test_a_change_counts_if_its_whole_interval_lies_beyond_the_threshold(
    interval, lower_is_better, higher_is_better
):
    assert decide(interval, 0.02, "min") == lower_is_better
    assert decide(interval, 0.02, "max") == higher_is_better


# Time, side by side


def test_a_thousand_pairs_are_judged_as_eight_are():
    def many(factor: float, seed: int) -> Measurement:
        return plugin(rounds={TRAIN_STEP: times(0.02 * factor, seed=seed, processes=1000)})

    found = beside(many(1.0, 0), many(1.05, 1), many(1.0, 2))
    assert found.verdict == "worse"


def test_a_slowdown_of_five_per_cent_is_worse_and_its_figures_are_told():
    found = beside(stepping(), stepping(1.05, seed=1), stepping(seed=2))
    assert (found.metric, found.verdict, found.unit) == (TRAIN_STEP, "worse", "s")
    assert found.base == pytest.approx(0.02, rel=0.02)
    assert found.candidate == pytest.approx(0.021, rel=0.02)
    assert found.change == pytest.approx(0.05, abs=0.015)
    assert found.interval is not None
    assert 0.02 < found.interval[0] < found.change < found.interval[1]
    assert found.threshold is not None
    assert 0.02 <= found.threshold < 0.03
    assert found.detectable is not None
    assert found.threshold < found.detectable < 0.08
    assert found.reason == ""


def test_a_speed_up_is_better_and_noise_is_unchanged():
    again = stepping(seed=2)
    assert beside(stepping(), stepping(0.9, seed=1), again).verdict == "better"
    assert beside(stepping(), stepping(seed=1), again).verdict == "unchanged"


def test_the_threshold_rises_above_what_the_same_revision_differs_by():
    """A tenth between two runs of one revision: a tenth is no news, half as much again is."""
    again = stepping(1.1, seed=2)
    found = beside(stepping(), stepping(1.1, seed=1), again)
    assert found.verdict == "cannot tell"
    assert found.threshold is not None
    assert 0.08 < found.threshold < 0.13
    assert beside(stepping(), stepping(1.5, seed=1), again).verdict == "worse"


def test_much_noise_raises_what_is_detectable_instead_of_alarming():
    verdicts, told = set(), []
    for seed in range(0, 60, 3):
        rounds = [times(0.02, noise=0.05, seed=seed + arm) for arm in range(3)]
        base, candidate, again = (plugin(rounds={TRAIN_STEP: each}) for each in rounds)
        found = beside(base, candidate, again)
        verdicts.add(found.verdict)
        told.append(found.detectable or 0.0)
    assert verdicts <= {"unchanged", "cannot tell"}
    assert min(told) > 0.06


def test_a_comparison_without_the_base_measured_again_has_the_tolerance_as_threshold():
    found = judged(stepping(), stepping(1.08, seed=1), paired=True)
    assert (found.verdict, found.threshold) == ("worse", 0.02)
    failed = plugin(status="crashed", reason="killed")
    assert beside(stepping(), stepping(1.08, seed=1), failed).threshold == 0.02


def test_pairs_are_those_that_all_sides_have():
    base, again = stepping(), stepping(seed=2)
    candidate = plugin(rounds={TRAIN_STEP: times(0.022, processes=6, seed=1)})
    assert beside(base, candidate, again).verdict == "worse"


def test_too_few_pairs_cannot_tell_and_it_is_said_how_many_are_needed():
    three = [plugin(rounds={TRAIN_STEP: times(0.02, processes=3, seed=s)}) for s in range(3)]
    found = beside(three[0], three[1], three[2])
    assert (found.verdict, found.needed) == ("cannot tell", Need(5, "rounds"))
    assert found.reason == (
        "3 pairs of processes cannot show a change at a level of 0.01; measure 5 or more"
    )
    assert (
        "1 pair of"
        in judged(
            *(replace(each, rounds={TRAIN_STEP: ((0.02,),)}) for each in three[:2]), paired=True
        ).reason
    )


def test_a_disturbed_machine_is_no_reason_to_give_up_pairs():
    busy = stepping(1.1, seed=1, disturbed="others used 40%")
    assert beside(stepping(), busy, stepping(seed=2)).verdict == "worse"


# Time, apart


def test_two_runs_on_one_machine_are_compared_by_their_processes():
    found = judged(stepping(), stepping(1.1, seed=1))
    assert (found.verdict, found.threshold) == ("worse", 0.02)
    assert judged(stepping(), stepping(0.9, seed=1)).verdict == "better"
    assert judged(stepping(), stepping(seed=1)).verdict == "unchanged"


def test_one_process_on_a_side_cannot_tell():
    one = plugin(rounds={TRAIN_STEP: ((0.02, 0.021, 0.02),)})
    for base, candidate, whose in ((one, stepping(), "baseline"), (stepping(), one, "candidate")):
        found = judged(base, candidate)
        assert (found.verdict, found.needed) == ("cannot tell", Need(3, "processes a side"))
        assert found.reason.startswith(f"the {whose} was measured in one process")
        assert "--seeds" in found.reason
        assert found.base == pytest.approx(0.02, rel=0.02)


def test_31_ms_beside_12_ms_is_not_unchanged_for_being_measured_in_two_processes():
    base, candidate = (
        plugin(rounds={TRAIN_STEP: times(seconds, processes=2, noise=0.2, seed=seed)})
        for seed, seconds in enumerate((0.012, 0.031))
    )
    found = judged(base, candidate)
    assert found.verdict == "cannot tell"
    assert found.needed is not None
    assert found.needed.of == "processes a side"
    assert found.reason == f"noise hides it: {found.needed.count} processes a side would tell"


def test_a_slowdown_that_so_many_tests_may_show_by_chance_cannot_be_told():
    """Of 40 plugins eight rounds are too few: the slowest of three comes out so by chance."""

    def measured(name: str, of: str, factor: float = 1.0) -> Side:
        made = []
        for label in (f"jena_{number}" for number in range(40)):
            seeds = {m: zlib.crc32(f"{label}{of}{m}".encode()) for m in (TRAIN_STEP, PREDICT)}
            rounds = {m: times(0.02 * factor, seed=seed) for m, seed in seeds.items()}
            made.append(plugin(label, rounds=rounds))
        return side(name, *made)

    slow = measured("change", "slow", 1.1).plugins[key("jena_0")]
    candidate = measured("change", "candidate")
    candidate = replace(candidate, plugins={**candidate.plugins, slow.key: slow})
    control = measured("main", "control")
    found = judge(measured("main", "base"), candidate, CheckSettings(), control, paired=True)
    of_slow = [each for each in found if each.key.label == "jena_0"]
    assert {each.verdict for each in of_slow} == {"cannot tell"}
    assert of_slow[0].needed == Need(9, "rounds")
    assert of_slow[0].reason == "as large a change may be by chance: 9 rounds would tell"
    assert of_slow[0].p_value == pytest.approx(80 * 3.0**-8, rel=0.05)
    alone = side("main", measured("main", "base").plugins[slow.key])
    again = side("main", control.plugins[slow.key])
    one = judge(alone, side("change", slow), CheckSettings(), again, paired=True)
    assert {each.verdict for each in one} == {"worse"}


def test_a_disturbed_side_is_not_measured_but_its_memory_is():
    rounds = {TRAIN_STEP: times(), PEAK_MEMORY: ((1e9,), (1e9,))}
    quiet, busy = plugin(rounds=rounds), plugin(rounds=rounds, disturbed="another run")
    for base, candidate, whose in ((quiet, busy, "candidate"), (busy, quiet, "baseline")):
        time, memory = judge(side("a", base), side("b", candidate), SETTINGS_OF_CHECK)
        assert time.verdict == "not measured"
        assert time.reason.startswith(f"the {whose} was disturbed (another run)")
        assert (memory.metric, memory.verdict) == (PEAK_MEMORY, "unchanged")


@pytest.mark.parametrize("paired", [False, True])
def test_another_machine_is_not_comparable_and_it_is_said_how_it_differs(paired):
    base, candidate = side("a", stepping()), side("b", stepping(1.5, seed=1))
    other = replace(candidate, machine={**MACHINE, "cores": 4})
    (found,) = judge(base, other, SETTINGS_OF_CHECK, paired=paired)
    assert (found.verdict, found.change) == ("not comparable", None)
    assert found.reason == "another machine: cores 2 and 4"


def test_other_threads_or_another_device_are_not_comparable():
    found = judged(stepping(), stepping(1.5, settings={**SETTINGS, "threads": 1}))
    assert (found.verdict, found.reason) == ("not comparable", "threads 2 and 1")
    found = judged(stepping(), stepping(1.5, settings={**SETTINGS, "device": "GPU"}))
    assert found.reason == "device CPU and GPU"


def test_forked_and_spawned_workers_start_at_other_times_but_train_alike():
    rounds = {name: times() for name in (TRAIN_STEP, START_UP, COMPILE)}
    rounds[PEAK_MEMORY] = ((1e9,), (1e9,))
    settings = {**SETTINGS, "start": "fork", "memory_pages": "all"}
    forked = plugin(rounds=rounds, settings=settings)
    spawned = plugin(rounds=rounds, settings={**SETTINGS, "start": "spawn"})
    found = judge(side("a", forked), side("b", spawned), SETTINGS_OF_CHECK)
    unchanged = [each.metric for each in found if each.verdict == "unchanged"]
    assert unchanged == [TRAIN_STEP, PEAK_MEMORY]
    assert {each.reason for each in found[1:-1]} == {"start fork and spawn"}


@pytest.mark.parametrize("whose", ["baseline", "candidate"])
def test_a_peak_without_shared_pages_is_compared_with_its_like_alone(whose):
    rounds = {PEAK_MEMORY: ((0.42e9,), (0.42e9,))}
    old = plugin(rounds=rounds, settings={**SETTINGS, "start": "fork"})
    new = plugin(rounds=rounds, settings={**SETTINGS, "start": "fork", "memory_pages": "all"})
    pair = (old, new) if whose == "baseline" else (new, old)
    found = judged(*pair)

    assert (found.verdict, found.change) == ("not comparable", None)
    assert found.reason.startswith(f"the {whose}'s peak is without the pages that a forked")
    assert judged(old, old).verdict == judged(new, new).verdict == "unchanged"


def test_other_versions_of_libraries_are_compared():
    newer = stepping(1.1, seed=1, settings={**SETTINGS, "versions": {"keras": "3.13.0"}})
    assert judged(stepping(), newer).verdict == "worse"


def test_a_time_of_nothing_is_the_smallest_that_was_measured():
    """Compiling takes 0 s where it is less than the noise of a step, which has no ratio."""
    some = ((0.01,), (0.0,), (0.011,), (0.01,), (0.009,), (0.01,), (0.0,), (0.01,))
    none = ((0.0,),) * 8

    def compiling(rounds) -> Measurement:
        return plugin(rounds={COMPILE: rounds})

    found = beside(compiling(none), compiling(none), compiling(none))
    assert (found.verdict, found.change) == ("unchanged", 0.0)
    assert beside(compiling(some), compiling(some), compiling(none)).verdict == "unchanged"
    assert judged(compiling(none), compiling(none)).verdict == "unchanged"
    much = compiling(((0.03,),) * 8)
    assert beside(compiling(some), much, compiling(some)).verdict == "worse"


@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf")])
def test_what_is_no_measurement_is_not_judged(value):
    found = judged(stepping(), plugin(rounds={TRAIN_STEP: ((value,), (0.02,))}))
    assert (found.verdict, found.change) == ("not measured", None)
    assert "negative number, or none" in found.reason


# A direction of its own


def test_what_is_better_the_larger_is_worse_when_it_falls(monkeypatch):
    examples_a_second = replace(METRICS[TRAIN_STEP], direction="max")
    monkeypatch.setitem(METRICS, TRAIN_STEP, examples_a_second)  # type: ignore[arg-type]
    assert judged(stepping(), stepping(0.9, seed=1)).verdict == "worse"
    assert judged(stepping(), stepping(1.1, seed=1)).verdict == "better"


# Memory and parameters


def test_memory_that_grows_beyond_its_tolerance_is_worse():
    base = plugin(rounds={PEAK_MEMORY: ((1.00e9,), (1.01e9,), (1.00e9,))})
    for factor, verdict in ((1.03, "unchanged"), (1.2, "worse"), (0.8, "better")):
        candidate = plugin(rounds={PEAK_MEMORY: slowed(base.rounds[PEAK_MEMORY], factor)})
        found = judged(base, candidate)
        assert (found.metric, found.verdict, found.unit) == (PEAK_MEMORY, verdict, "bytes")


def test_memory_of_another_machine_is_not_comparable():
    measured = plugin(rounds={PEAK_MEMORY: ((1e9,), (1e9,))})
    other = side("b", measured, machine={"cores": 64})
    (found,) = judge(side("a", measured), other, SETTINGS_OF_CHECK)
    assert found.verdict == "not comparable"


@pytest.mark.parametrize(
    ("base", "candidate", "verdict", "change"),
    [
        (1000, 1000, "unchanged", 0.0),
        (1000, 1001, "worse", 0.001),
        (1000, 900, "better", -0.1),
        (0, 0, "unchanged", 0.0),
        (0, 5, "worse", None),
    ],
)
def test_parameters_are_counted_not_tested(base, candidate, verdict, change):
    found = judged(plugin(parameters=base), plugin(parameters=candidate))
    assert (found.metric, found.verdict) == (PARAMETERS, verdict)
    assert found.change == (None if change is None else pytest.approx(change))
    assert (found.base, found.candidate, found.threshold) == (base, candidate, 0.0)


def test_parameters_of_another_machine_are_comparable():
    other = side("b", plugin(parameters=5), machine={"cores": 64})
    (found,) = judge(side("a", plugin(parameters=5)), other, SETTINGS_OF_CHECK)
    assert found.verdict == "unchanged"


def test_some_more_parameters_may_be_tolerated():
    settings = CheckSettings(tolerances={**CheckSettings().tolerances, PARAMETERS: 0.05})
    base = side("a", plugin(parameters=1000))
    for count, verdict in ((1050, "unchanged"), (1051, "worse"), (900, "better")):
        (found,) = judge(base, side("b", plugin(parameters=count)), settings)
        assert found.verdict == verdict


# What only one side has


def test_a_metric_that_only_one_side_has_is_not_measured():
    full = plugin(rounds={PREDICT: times()}, parameters=3, quality=quality())
    none = plugin()
    for base, candidate, missing in ((full, none, "candidate"), (none, full, "baseline")):
        found = judge(side("a", base), side("b", candidate), SETTINGS_OF_CHECK)
        assert [each.metric for each in found] == [QUALITY, PREDICT, PARAMETERS]
        assert {each.verdict for each in found} == {"not measured"}
        assert all(each.reason.startswith(f"the {missing} has no") for each in found)


def test_what_neither_side_has_is_not_mentioned():
    assert judge(side("a", plugin()), side("b", plugin()), SETTINGS_OF_CHECK) == ()


def whole(base: Measurement | None, candidate: Measurement | None) -> list[tuple[str, str]]:
    """Return the verdict and reason on a plugin as a whole, in a list of one or none."""
    sides = [side(name, *[each] * bool(each)) for name, each in (("a", base), ("b", candidate))]
    found = judge(sides[0], sides[1], SETTINGS_OF_CHECK)
    assert all(each.metric == "" for each in found)
    return [(each.verdict, each.reason) for each in found]


GOOD = stepping()
BROKEN = plugin(status="out_of_memory", reason="more than 2 GiB")
LEFT_OUT = plugin(status="skipped", reason="needs scikit-learn")


def test_a_plugin_that_only_one_side_has_is_new_or_gone():
    assert whole(GOOD, None) == [("gone", "")]
    assert whole(None, GOOD) == [("new", "")]
    assert whole(None, LEFT_OUT) == [("new", "skipped: needs scikit-learn")]
    assert whole(BROKEN, None) == [("gone", "out of memory: more than 2 GiB")]


@pytest.mark.parametrize("status", ["failed", "diverged", "timeout", "out_of_memory", "crashed"])
def test_a_candidate_that_gives_no_result_has_failed(status):
    broken = plugin(status=status, reason="why")
    reason = f"{status.replace('_', ' ')}: why"
    for base in (GOOD, None, LEFT_OUT):
        assert whole(base, broken) == [("failed", reason)]
    assert whole(plugin(status="failed", reason="x"), broken) == [
        ("failed", f"{reason}; the baseline failed, too")
    ]


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ("failed", "failed"),
        ("diverged", "diverged"),
        ("timeout", "timed out"),
        ("out_of_memory", "ran out of memory"),
        ("crashed", "crashed"),
    ],
)
def test_what_became_of_the_baseline_is_told_in_a_verb(status, told):
    ((_, reason),) = whole(plugin(status=status, reason="x"), plugin(status="failed", reason="y"))
    assert reason == f"failed: y; the baseline {told}, too"


def test_a_plugin_that_works_again_is_new_for_nothing_tells_that_it_is_better():
    assert whole(BROKEN, GOOD) == [
        ("new", "the baseline has no result: out of memory: more than 2 GiB")
    ]
    assert whole(LEFT_OUT, GOOD)[0][0] == "new"


def test_a_plugin_that_is_skipped_now_is_not_measured_unless_it_always_was():
    assert whole(GOOD, LEFT_OUT) == [("not measured", "skipped: needs scikit-learn")]
    assert whole(BROKEN, LEFT_OUT)[0][0] == "not measured"
    assert whole(LEFT_OUT, LEFT_OUT) == [("unchanged", "on both sides skipped: needs scikit-learn")]


@pytest.mark.parametrize("paired", [False, True])
def test_other_data_are_not_comparable_whatever_was_measured(paired):
    newer = stepping(parameters=9, data="newer data")
    found = judged(stepping(parameters=5), newer, paired=paired)
    assert (found.metric, found.verdict) == ("", "not comparable")
    assert found.reason == "measured on other data than the baseline"


# All together


def full_side(name: str, seed: int, **changes) -> Side:
    """Make a side of three plugins in no order, each with all metrics."""
    made = [
        plugin(
            label,
            rounds={each: times(seed=seed + place) for each in reversed([*METRICS][1:-1])},
            parameters=5,
            quality=quality(),
        )
        for place, label in enumerate(("jena_lstm", "imdb_lstm", "jena_gru"))
    ]
    return side(name, *made, **changes)


def test_findings_stand_by_plugin_and_then_as_the_metrics_do():
    found = judge(full_side("a", 0), full_side("b", 10), SETTINGS_OF_CHECK)
    labels = ["imdb_lstm", "jena_gru", "jena_lstm"]
    assert [(each.key.label, each.metric) for each in found] == [
        (label, name) for label in labels for name in METRICS
    ]
    assert {each.verdict for each in found} == {"unchanged"}


def test_only_the_metrics_asked_for_are_judged():
    settings = CheckSettings(metrics=(PARAMETERS, TRAIN_STEP))
    found = judge(full_side("a", 0), full_side("b", 10), settings)
    assert [each.metric for each in found] == [TRAIN_STEP, PARAMETERS] * 3


def test_the_same_label_in_another_profile_is_another_plugin():
    quick, full = (plugin(key(profile=profile)) for profile in ("quick", "full"))
    found = judge(side("a", quick), side("b", full), SETTINGS_OF_CHECK)
    assert [(each.key.profile, each.verdict) for each in found] == [
        ("full", "new"),
        ("quick", "gone"),
    ]


def test_a_report_names_the_sides_and_what_is_let_pass():
    made = report(
        side("main", GOOD), side("HEAD", BROKEN), CheckSettings(allow=frozenset({"failed"}))
    )
    assert (made.base, made.candidate) == ("main", "HEAD")
    assert [each.verdict for each in made.findings] == ["failed"]
    assert made.status == 0
    assert report(side("main", GOOD), side("HEAD", BROKEN), CheckSettings()).status == 3


# Notes


def test_notes_tell_the_commits_the_days_and_the_versions_that_differ():
    newer = {**SETTINGS, "threads": 4, "versions": {"keras": "3.13.0"}}
    base = side("main", plugin(), plugin("imdb_lstm"), commit="abc")
    candidate = side("HEAD", plugin(settings=newer), plugin("imdb_lstm", settings=newer))
    found = notes(base, replace(candidate, commit="def", written="2026-02-03T00:00:00+00:00"))
    assert found[:2] == ("baseline main: commit abc", "candidate HEAD: commit def")
    assert found[2].startswith("measured apart, 2026-01-01 and 2026-02-03")
    assert found[3:] == ("keras differs: 3.12.0 and 3.13.0", "threads differs: 2 and 4")


def test_notes_tell_how_many_pairs_there_were_and_if_the_machine_was_busy():
    (found,) = notes(side("a", stepping()), side("b", stepping()), paired=True)
    assert found == "measured side by side: 8 pairs of processes"
    fewer = plugin(
        "jena_lstm", rounds={TRAIN_STEP: times(processes=3)}, disturbed="others used 30%"
    )
    pairs, busy = notes(side("a", stepping(), fewer), side("b", stepping(), fewer), paired=True)
    assert pairs == "measured side by side: 3 to 8 pairs of processes"
    assert "others used 30%" in busy
    assert notes(side("a"), side("b"), paired=True) == (
        "measured side by side: no pair of processes",
    )


def test_a_module_of_the_gate_imports_neither_keras_nor_numpy():
    check = (
        f"import sys, bench.gate.judge, {judge_costs.__name__}; "
        "sys.exit(any(name in sys.modules for name in ('keras', 'tensorflow', 'numpy', 'scipy')))"
    )
    assert subprocess.run([sys.executable, "-c", check]).returncode == 0
