"""How often does a whole check call something worse though nothing has changed?

``python -m campaigns.benchmarks gate-checks`` makes scores and times of many plugins, has the
gate judge them together, and tells what it found before the correction for the number of tests
and after it; then whether a change is found with the seeds and rounds that the verdict asks for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from tabulate import tabulate

from bench.gate.judge import beyond_chance, level_of_one
from bench.gate.judge_costs import Measurements, judge_rounds
from bench.gate.judge_quality import Scored, judge_quality
from bench.gate.model import (
    WORSE,
    Finding,
    Key,
    Measurement,
    Quality,
    SeedScore,
    Tested,
)
from bench.gate.settings import PAIRS, CheckSettings
from bench.metrics import METRICS, TRAIN_STEP
from bench.statistics.beyond_chance import hommel
from bench.statistics.ratios import fewest_rounds, paired_chances

PLUGINS = (5, 25, 40)
#: Times and memory that a check has of a plugin.
COSTS = 7
#: Bounds: of a whole check's false alarms, of 5% slowdowns and of newly failing seeds found.
FALSE, SLOWER, FAILING = 0.01, 0.95, 0.80
SETTINGS = CheckSettings()
_GROUPS = 50
_ERROR = 0.26

Chance = np.random.Generator


def is_within(share: float, bound: float, draws: int) -> bool:
    """Say whether a share of draws is at most a bound, but for three of its standard errors."""
    return share <= bound + 3 * (bound * (1 - bound) / draws) ** 0.5


# Quality


@dataclass(frozen=True)
class Training:
    """Scores of a plugin: ``noise`` from seed to seed, and how often one ``fails`` by chance.

    Its deviations have ``df`` degrees of freedom, 0 for normal ones. What fails ends anywhere
    from 0.1 to 0.6 above where it should.
    """

    noise: float = 0.001
    fails: float = 0.0
    df: int = 0

    def scores(self, seeds: int, chance: Chance) -> list[float]:
        """Draw the score of each seed, an error."""
        drawn = chance.standard_t(self.df, seeds) if self.df else chance.standard_normal(seeds)
        failed = chance.random(seeds) < self.fails
        return [*(_ERROR + self.noise * drawn + failed * chance.uniform(0.1, 0.6, seeds))]


STEADY, UNSTEADY, SOME = "steady", "unsteady", "a third of them unsteady"
KINDS: Mapping[str, Callable[[int], Training]] = {
    STEADY: lambda number: Training(),
    "with noise of long tails": lambda number: Training(df=3),
    UNSTEADY: lambda number: Training(fails=0.1),
    SOME: lambda number: Training(fails=0.1 if number % 3 == 0 else 0.0),
}


def key(number: int) -> Key:
    """Return the key of a made plugin."""
    return Key("made", f"made_{number}", "synthetic", "quick", "tensorflow")


def quality(scores: Sequence[float], chance: Chance) -> Quality:
    """Make the quality of some seeds, whose models err on the same examples."""
    common = np.random.default_rng(0).standard_normal(_GROUPS)
    made = []
    for seed, score in enumerate(scores):
        errors = 0.05 * common + 0.005 * chance.standard_normal(_GROUPS)
        influences = ((errors - errors.mean()) / _GROUPS).astype("float32")
        digest = hashlib.sha256(str(chance.random()).encode()).hexdigest()
        made.append(SeedScore(seed, float(score), digest, influences))
    return Quality("mae", "min", "the same", True, tuple(made))


def trained(kinds: Sequence[tuple[Training, Training]], seeds: int, chance: Chance) -> list[Scored]:
    """Train plugins, each as one kind before a change and as another after it."""
    return [
        Scored(
            key(number),
            *(quality(kind.scores(seeds, chance), chance) for kind in pair),
        )
        for number, pair in enumerate(kinds)
    ]


def findings(scored: Sequence[Scored], has_costs: bool = True) -> tuple[list[str], list[Finding]]:
    """Return each plugin's verdict by its own test alone, and what the whole check finds."""
    share = level_of_one(1.0, 1, has_costs)
    alone = [*judge_quality(scored, SETTINGS, share * SETTINGS.level).values()]
    together = beyond_chance(alone, SETTINGS.level, share)
    return [each.finding.verdict for each in alone], [*together]


def quality_alarms(kind: str, plugins: int, seeds: int, checks: int) -> tuple[float, float]:
    """Return the share of checks that call a plugin worse, before the correction and after."""
    chance = np.random.default_rng([plugins, seeds, checks])
    alarms = np.zeros((checks, 2), bool)
    for check in range(checks):
        kinds = [(KINDS[kind](number),) * 2 for number in range(plugins)]
        alone, together = findings(trained(kinds, seeds, chance))
        alarms[check] = WORSE in alone, any(each.verdict == WORSE for each in together)
    before, after = alarms.mean(axis=0)
    return float(before), float(after)


def newly_failing(plugins: int, checks: int) -> tuple[float, int]:
    """Return how often a seed that now fails in three is found with the seeds that are asked for.

    Three seeds a side are trained first, and of what cannot be told as many as it says.
    """
    chance = np.random.default_rng(plugins)
    kinds = [(Training(),) * 2 for _ in range(plugins)]
    kinds[0] = Training(), Training(fails=1 / 3)
    found, asked = 0, 0
    for _ in range(checks):
        first = _of_the_first(findings(trained(kinds, 3, chance))[1])
        while first.needed is None or "fails by chance" not in first.reason:
            # None of the three has failed, or all.
            first = _of_the_first(findings(trained(kinds, 3, chance))[1])
        asked = max(asked, first.needed.count)
        again = _of_the_first(findings(trained(kinds, first.needed.count, chance))[1])
        found += again.verdict == WORSE
    return found / checks, asked


def _of_the_first(found: Sequence[Finding]) -> Finding:
    return next(each for each in found if each.key == key(0))


# Times


@dataclass(frozen=True)
class Noise:
    """How processes that are measured side by side differ, in logarithms of their times.

    ``process`` is their deviation, ``drift`` that of the machine from one process to the next,
    ``held`` the share of them that are held up, by ``by``, and ``folder`` how far the three
    sides stay from each other through all rounds.
    """

    process: float = 0.012
    drift: float = 0.005
    held: float = 0.0
    by: float = 0.2
    folder: float = 0.0

    def rounds(self, rounds: int, slower: float, chance: Chance) -> np.ndarray:
        """Draw the times of base, control and candidate, in an order of chance, (3, rounds)."""
        order = chance.permuted(np.tile(np.arange(3), (rounds, 1)), axis=1)
        walk = self.drift * chance.standard_normal(3 * rounds).cumsum().reshape(rounds, 3)
        logs = np.take_along_axis(walk, order, axis=1)
        logs = logs + self.process * chance.standard_normal((rounds, 3))
        logs = logs + np.log1p(self.by) * (chance.random((rounds, 3)) < self.held)
        logs = logs + self.folder * chance.standard_normal(3)
        logs[:, 2] += np.log1p(slower)
        return 0.02 * np.exp(logs.T)


NOISES: Mapping[str, Noise] = {
    "1.2% from process to process": Noise(),
    "2.5% from process to process": Noise(process=0.025, drift=0.01),
    "5% from process to process": Noise(process=0.05, drift=0.02),
    "one process in 20 held up by a fifth": Noise(process=0.008, held=1 / 20),
    "sides that stay 0.5% apart": Noise(folder=0.005),
}
#: With more noise hundreds of rounds are asked for.
EASY = [*NOISES][:2] + [*NOISES][3:4]


def planned_rounds(tests: int) -> int:
    """Return how many rounds a check of so many tests of times measures."""
    return max(PAIRS, fewest_rounds(3, level_of_one(SETTINGS.level, tests, has_others=True)))


def tested(times: np.ndarray, strict: float) -> Tested:
    """Judge the times of base, control and candidate, (3, rounds), by themselves."""
    arms = [
        Measurement(key(0), "ok", rounds={TRAIN_STEP: tuple((float(v),) for v in arm)})
        for arm in times
    ]
    measured = Measurements(arms[0], arms[2], arms[1], paired=True)
    found = judge_rounds(measured, METRICS[TRAIN_STEP], SETTINGS, strict)
    assert found is not None
    return found


def rounds_asked(found: Tested, strict: float) -> int | None:
    """Return how many rounds a verdict asks for that is not known yet, None for no more."""
    told: Finding | None = found.finding
    if found.finding.verdict == WORSE and (found.worse or 0.0) > strict:
        told = found.doubtful
    return None if told is None or told.needed is None else told.needed.count


def time_check(drawn: Sequence[np.ndarray]) -> tuple[list[bool], list[bool]]:
    """Say what each test alone calls worse, and what the check does: all are judged together.

    What is not significant by itself is not judged further, which takes most of the time.
    """
    level = level_of_one(SETTINGS.level, 1, has_others=True)
    strict = level_of_one(SETTINGS.level, len(drawn), has_others=True)
    chances = [paired_chances(times[2], times[:2])[0] for times in drawn]
    alone = [
        chance <= SETTINGS.level and tested(times, strict).finding.verdict == WORSE
        for chance, times in zip(chances, drawn, strict=True)
    ]
    adjusted = hommel(chances)
    return alone, [is_one and p <= level for is_one, p in zip(alone, adjusted, strict=True)]


def time_alarms(noise: Noise, plugins: int, checks: int) -> tuple[float, float]:
    """Return the share of checks that call a time worse, before the correction and after."""
    chance = np.random.default_rng([plugins, checks])
    tests = plugins * COSTS
    rounds = planned_rounds(tests)
    alarms = np.zeros((checks, 2), bool)
    for check in range(checks):
        drawn = [noise.rounds(rounds, 0.0, chance) for _ in range(tests)]
        alone, together = time_check(drawn)
        alarms[check] = any(alone), any(together)
    before, after = alarms.mean(axis=0)
    return float(before), float(after)


def slower_found(noise: Noise, plugins: int, checks: int) -> tuple[float, int]:
    """Return how often one test that is 5% slower is found with the rounds that are asked for."""
    chance = np.random.default_rng(plugins)
    tests = plugins * COSTS
    strict = level_of_one(SETTINGS.level, tests, has_others=True)
    found, asked = 0, 0
    for _ in range(checks):
        rounds = planned_rounds(tests)
        times = noise.rounds(rounds, 0.05, chance)
        more = rounds_asked(tested(times, strict), strict)
        if more is not None:
            rounds = more
            times = noise.rounds(rounds, 0.05, chance)
        asked = max(asked, rounds)
        others = [noise.rounds(rounds, 0.0, chance) for _ in range(tests - 1)]
        found += time_check([times, *others])[1][0]
    return found / checks, asked


# All of it


def measure(rounds: int) -> bool:
    """Print the shares of 100 times as many checks as rounds; say whether the bounds hold."""
    checks, held = 100 * rounds, True
    rows = []
    for kind in KINDS:
        for seeds in (2, 3):
            shares = [quality_alarms(kind, plugins, seeds, checks) for plugins in PLUGINS]
            held = held and all(is_within(after, FALSE, checks) for _, after in shares)
            rows.append([kind, f"{seeds} seeds", *_told(shares)])
            print(*rows[-1], flush=True)
    for title, noise in NOISES.items():
        shares = [time_alarms(noise, plugins, max(100, checks // 4)) for plugins in PLUGINS]
        held = held and all(is_within(after, FALSE, max(100, checks // 4)) for _, after in shares)
        rows.append([title, "times", *_told(shares)])
        print(*rows[-1], flush=True)
    heads = ["nothing has changed", "of", *(f"{plugins} plugins" for plugins in PLUGINS)]
    title = f"Share of {checks} checks (times: a quarter) that call anything worse"
    print(f"{title}, by each test alone and corrected for all\n")
    print(tabulate(rows, heads, "github", disable_numparse=True))
    return _found(rounds) and held


def _told(shares: Sequence[tuple[float, float]]) -> list[str]:
    return [f"{before:.1%} → {after:.1%}" for before, after in shares]


def _found(rounds: int) -> bool:
    checks = 10 * rounds
    rows, held = [], True
    for plugins in (1, *PLUGINS[:2]):
        share, asked = newly_failing(plugins, checks)
        held = held and is_within(1 - share, 1 - FAILING, checks)
        rows.append(["one seed in three fails now", plugins, f"{asked} seeds", f"{share:.0%}"])
    for title in EASY:
        share, asked = slower_found(NOISES[title], PLUGINS[1], checks)
        held = held and is_within(1 - share, 1 - SLOWER, checks)
        rows.append([f"5% slower; {title}", PLUGINS[1], f"up to {asked} rounds", f"{share:.0%}"])
    print(f"\nShare of {checks} checks that find a change with what they ask for\n")
    print(tabulate(rows, ["changed", "plugins", "asked for", "found"], "github"))
    return held
