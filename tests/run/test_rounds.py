"""``run --until-separated``: further seeds go where they can tell plugins apart, and no further."""

from __future__ import annotations

import io
import zlib
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
from builders import a_record
from judged_world import judged
from run_world import an_outcome
from verify_world import Place, Workshop

from bench.analysis.leaderboard import Table
from bench.protocol import FAILED, Job, Outcome
from bench.records.record import Record
from bench.runs.adaptive_seeds import next_seeds, ties


def table_of(*records: Record, **options: float) -> Table:
    (table,) = judged(*records, **options).tables
    return table


def seeds(plugin: str, mean: float, spread: float, count: int = 3) -> list[Record]:
    return [
        a_record(plugin, mean + spread * (seed - count // 2), seed=seed) for seed in range(count)
    ]


# Which plugins get seeds


def test_plugins_that_are_separated_get_none():
    table = table_of(*seeds("a", 0.2, 0.001), *seeds("b", 0.4, 0.001))

    assert ties(table, {"a", "b"}) == []
    assert next_seeds(table, {"a", "b"}, 10) == {}


@pytest.mark.parametrize("other", [0.3001, 0.9])
def test_one_seed_each_becomes_three_for_one_tells_nothing_of_another(other):
    table = table_of(a_record("a", 0.3), a_record("b", other))
    assert next_seeds(table, {"a", "b"}, 10) == {"a": (1, 2), "b": (1, 2)}


def test_a_tie_gets_as_many_as_it_needs_but_no_more_than_twice_what_it_has():
    close = table_of(*seeds("a", 0.3, 0.01), *seeds("b", 0.315, 0.01), noise=0.001)
    (tie,) = ties(close, {"a", "b"})
    added = next_seeds(close, {"a", "b"}, 20)

    assert tie.seeds_needed is not None
    assert tie.seeds_needed > 3
    assert len(added["a"]) == len(added["b"]) == min(tie.seeds_needed, 6) - 3
    assert added["a"][0] == 3


def test_a_row_never_gets_more_seeds_than_the_limit():
    close = table_of(*seeds("a", 0.3, 0.01), *seeds("b", 0.32, 0.01), noise=0.001)

    assert next_seeds(close, {"a", "b"}, 4) == {"a": (3,), "b": (3,)}
    assert next_seeds(close, {"a", "b"}, 3) == {}


def test_nothing_is_spent_where_no_number_of_seeds_would_help():
    table = table_of(*seeds("a", 0.3, 0.0005), *seeds("b", 0.3001, 0.0005), noise=0.5)

    assert "no number of seeds would" in str(ties(table, {"a", "b"})[0])
    assert next_seeds(table, {"a", "b"}, 10) == {}


def test_nothing_is_spent_on_what_needs_far_more_than_the_limit():
    table = table_of(*seeds("a", 0.3, 0.05), *seeds("b", 0.301, 0.05), noise=0.0001)
    (tie,) = ties(table, {"a", "b"})

    assert tie.seeds_needed is None or tie.seeds_needed > 20
    assert next_seeds(table, {"a", "b"}, 10) == {}


def test_a_plugin_that_does_not_depend_on_its_seed_gets_none():
    table = table_of(*seeds("ridge", 0.3, 0.0), *seeds("gru", 0.31, 0.01), noise=0.001)
    assert {*next_seeds(table, {"ridge", "gru"}, 20)} == {"gru"}


def test_only_plugins_of_the_run_get_seeds():
    table = table_of(a_record("a", 0.3), a_record("b", 0.3001), a_record("c", 0.3002))
    assert {*next_seeds(table, {"a", "b"}, 10)} == {"a", "b"}


def test_seeds_that_failed_count_and_are_not_tried_again():
    table = table_of(
        a_record("a", 0.3), a_record("a", seed=1, status=FAILED, reason="no"), a_record("b", 0.3001)
    )
    assert next_seeds(table, {"a", "b"}, 10)["a"] == (2, 3)
    assert next_seeds(table, {"a", "b"}, 2)["b"] == (1,)
    assert "a" not in next_seeds(table, {"a", "b"}, 2)


def test_a_tie_says_what_it_would_take():
    (known,) = ties(
        table_of(*seeds("a", 0.3, 0.01), *seeds("b", 0.315, 0.01), noise=0.001), {"a", "b"}
    )
    (unknown,) = ties(table_of(a_record("a", 0.3), a_record("b", 0.3001)), {"a", "b"})

    needed = f"about {known.seeds_needed} seeds each would separate them"
    assert str(known) == f"jena: a and b ({needed})"
    assert str(unknown) == "jena: a and b (one seed tells nothing of the others)"


# The run


@dataclass
class Marks(Workshop):
    """A workshop whose plugins err by a mean of their own, and by a spread over seeds."""

    means: dict[str, float] = field(default_factory=dict)
    spreads: dict[str, float] = field(default_factory=lambda: defaultdict(lambda: 0.001))

    def __call__(self, job: Job) -> Outcome:
        name, seed = job.trial.plugin, job.trial.seed
        self.times[name, seed] += 1
        shift = np.random.default_rng(seed + zlib.crc32(name.encode())).normal()
        error = self.means[name] + self.spreads[name] * shift
        scores = error + 0.01 * np.random.default_rng(zlib.crc32(name.encode())).normal(size=300)
        scores += error - scores.mean()
        arrays = {"predictions": scores, "targets": np.zeros(300), "groups": np.arange(300)}
        arrays |= {f"validation_{key}": array for key, array in arrays.items()}
        content = io.BytesIO()
        np.savez_compressed(content, **arrays)
        Path(job.predictions).write_bytes(content.getvalue())
        made = an_outcome()
        figures = {"mae": error, "mae_degC": 8.85 * error}
        return replace(
            made, metrics={**made.metrics, "validation": figures, "test": figures}, environment={}
        )


@pytest.fixture
def workshop() -> Marks:
    return Marks(means={"good": 0.2, "bad": 0.6, "alike": 0.2})


@pytest.fixture
def place(make_place: Callable[..., Place], workshop: Marks) -> Place:
    return make_place(workshop, workshop.means)


pytestmark = pytest.mark.usefixtures("heard_signals")


def counts(place: Place) -> dict[str, int]:
    found: dict[str, int] = defaultdict(int)
    for name, _ in place.workshop.times:
        found[name] += 1
    return dict(found)


def test_what_is_separated_at_once_costs_no_further_trial(place):
    assert place.run("good", "bad", "--seeds", "0,1,2", "--until-separated") == 0
    assert counts(place) == {"good": 3, "bad": 3}
    assert "0 further rounds: 0 trials in 0.0 ms; every pair is separated" in place.err


def test_rounds_go_on_until_the_plugins_are_separated(place, workshop):
    workshop.means |= {"good": 0.200, "bad": 0.206}
    workshop.spreads |= {"good": 0.003, "bad": 0.003}
    assert place.run("good", "bad", "--until-separated", "--max-seeds", "40") == 0

    assert "round 1: 1 pair not separated; 4 further trials of 2 plugins" in place.err
    assert "round 2: " in place.err
    assert "every pair is separated" in place.err
    assert 3 < counts(place)["good"] <= 40
    assert "| 1 best |" in (place.folder / "reports" / "leaderboard.md").read_text()


def test_plugins_that_are_alike_cost_no_more_than_the_limit_and_are_named(place):
    assert place.run("good", "alike", "bad", "--until-separated", "--max-seeds", "5") == 0

    assert max(counts(place).values()) <= 5
    assert counts(place)["bad"] <= 3
    assert "not separated with up to 5 seeds a plugin:" in place.err
    assert "  jena: alike and good (" in place.err


def test_a_second_run_goes_on_from_what_is_recorded(place):
    words = ["good", "alike", "--until-separated", "--max-seeds", "4"]
    place.run(*words)
    before = dict(place.workshop.times)
    assert place.run(*words) == 0
    assert dict(place.workshop.times) == before


def test_further_seeds_are_verified_too(place):
    place.run("good", "alike", "--until-separated", "--max-seeds", "3", "--verify", "6")
    assert {*place.workshop.times.values()} == {2}
    assert len(place.records) == 12


def test_a_limit_alone_is_refused(place):
    assert place.run("good", "--max-seeds", "5") == 2
    assert "--max-seeds: is the limit of --until-separated" in place.err


def test_what_failed_is_not_compared(place):
    assert place.bench("run", "--failed", "--until-separated") == 2
    assert "--until-separated compares what is ok" in place.err
