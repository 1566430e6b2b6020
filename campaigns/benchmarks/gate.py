"""How often does the gate cry wolf, and how often does it find a slowdown that is there?

``python -m campaigns.benchmarks gate`` answers on made noise. On a real plugin, some of whose
steps do 5% and 10% of extra work:

    python -m campaigns.benchmarks.gate collect samples.json --rounds 45
    python -m campaigns.benchmarks.gate judge samples.json
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from scipy.stats import mannwhitneyu
from tabulate import tabulate

from bench.gate.judge import level_of_one
from bench.gate.judge_costs import Measurements, judge_rounds
from bench.gate.measure import Sampler
from bench.gate.model import WORSE, Conditions, Key, Measurement, Tested
from bench.gate.settings import CheckSettings
from bench.metrics import METRICS, TRAIN_STEP, TRAIN_STEP_CPU, process_value
from bench.registry.discover import discover
from bench.registry.plugins import Plugin
from bench.runs.executor import LocalExecutor
from bench.runs.preparation import prepare_here
from bench.statistics.beyond_chance import hommel
from bench.statistics.ratios import paired_chances
from campaigns.benchmarks.gate_checks import (
    SETTINGS,
    is_within,
    planned_rounds,
    rounds_asked,
    tested,
    time_check,
)
from campaigns.benchmarks.wrapping import wrapped

PAIRS = 8
#: Plugins of a whole check.
CHECKED = 25
#: Extra work of the candidate, as a share of a step; none for a comparison of equals.
SLOWDOWNS = (0.0, 0.05, 0.10)
#: Bounds: false alarms, and 5% slowdowns found.
FALSE, FOUND = 0.01, 0.95

Rounds = Sequence[Sequence[float]]


@dataclass(frozen=True)
class Triples:
    """Raw rounds of three arms, a list a process, in seconds; the n-th were neighbours."""

    base: Rounds
    control: Rounds
    candidate: Rounds

    def drawn(self, chance: np.random.Generator, equal: bool) -> Triples:
        """Draw pairs without replacement; of equals any of the arms may be the candidate."""
        places = chance.choice(len(self.base), PAIRS, replace=False)
        arms = [*self._arms()]
        if equal:
            arms = [arms[place] for place in chance.permutation(3)]
        return Triples(*([arm[place] for place in places] for arm in arms))

    def times(self, rounds: int, chance: np.random.Generator, equal: bool = False) -> np.ndarray:
        """Draw rounds with replacement; return the time of each process, shape (3, rounds)."""
        arms = np.array([[*map(process_value, arm)] for arm in self._arms()])
        if equal:
            arms = chance.permutation(arms)
        return np.asarray(arms[:, chance.integers(len(self.base), size=rounds)])

    def and_round(
        self, base: Sequence[float], control: Sequence[float], candidate: Sequence[float]
    ) -> Triples:
        """Return the same with the rounds of one process of each arm more."""
        return Triples([*self.base, base], [*self.control, control], [*self.candidate, candidate])

    def _arms(self) -> tuple[Rounds, Rounds, Rounds]:
        return self.base, self.control, self.candidate


#: By slowdown.
Samples = Mapping[float, Triples]
#: What is collected of a process: the rounds of each.
CLOCKED = (TRAIN_STEP, TRAIN_STEP_CPU)
Clocked = Mapping[str, Sequence[float]]


# The rules


def _ours(drawn: Triples) -> bool:
    base, candidate, again = (
        Measurement(_KEY, "ok", rounds={TRAIN_STEP: tuple(map(tuple, arm))})
        for arm in (drawn.base, drawn.candidate, drawn.control)
    )
    measured = Measurements(base, candidate, again, paired=True)
    settings = CheckSettings()
    found = judge_rounds(measured, METRICS[TRAIN_STEP], settings, settings.level)
    return found is not None and found.finding.verdict == WORSE


_KEY = Key("jena", "made", "synthetic", "quick", "tensorflow")


def _mean(share: float, processes: int) -> Callable[[Triples], bool]:
    """Make pytest-benchmark's rule, ``--benchmark-compare-fail=mean:5%``."""

    def rule(drawn: Triples) -> bool:
        base, candidate = (_pooled(arm, processes) for arm in (drawn.base, drawn.candidate))
        return bool(candidate.mean() > (1 + share) * base.mean())

    return rule


def _asv(processes: int) -> Callable[[Triples], bool]:
    """Make asv's rule: slower by the factor 1.1, and different by Mann-Whitney."""

    def rule(drawn: Triples) -> bool:
        base, candidate = (_pooled(arm, processes) for arm in (drawn.base, drawn.candidate))
        slower = np.median(candidate) > 1.1 * np.median(base)
        return bool(slower and mannwhitneyu(candidate, base).pvalue < 0.002)

    return rule


def _pooled(arm: Rounds, processes: int) -> np.ndarray:
    return np.concatenate([np.asarray(rounds) for rounds in arm[:processes]])


OURS = f"this gate, {PAIRS} pairs"
#: As each tool is used: pytest-benchmark runs one process, asv two; and given all of them.
RULES: Mapping[str, Callable[[Triples], bool]] = {
    OURS: _ours,
    **{
        f"pytest-benchmark mean:{share:.0%}, {_name}": _mean(share, processes)
        for share in (0.05, 0.10)
        for processes, _name in ((1, "1 process"), (PAIRS, f"{PAIRS} processes"))
    },
    **{f"asv, {processes} processes": _asv(processes) for processes in (2, PAIRS)},
}


# What they find


def judge(samples: Samples, draws: int) -> bool:
    """Print the share of draws that each rule calls slower; say whether our bounds hold."""
    shares = {
        name: [
            _share(rule, triples, draws, equal=slower == 0)
            for slower, triples in sorted(samples.items())
        ]
        for name, rule in RULES.items()
    }
    heads = [f"{slower:.0%} slower" if slower else "false alarms" for slower in sorted(samples)]
    rows = [[name, *found] for name, found in shares.items()]
    print(tabulate(rows, ["rule", *heads], "github", floatfmt=".3f"))
    false, found, *_ = shares[OURS]
    margins = [3 * (bound * (1 - bound) / draws) ** 0.5 for bound in (FALSE, FOUND)]
    return false <= FALSE + margins[0] and found >= FOUND - margins[1]


def _share(rule: Callable[[Triples], bool], triples: Triples, draws: int, equal: bool) -> float:
    chance = np.random.default_rng(0)  # The same draws for every rule.
    return float(np.mean([rule(triples.drawn(chance, equal)) for _ in range(draws)]))


def judge_checks(samples: Samples, checks: int) -> bool:
    """Print what whole checks of 25 plugins find, corrected for all tests; say if the bounds hold.

    Each plugin is a set of rounds that are drawn anew: of 24 nothing has changed, and of the
    first nothing, or it is slower. What cannot be told by the rounds of a first check is
    measured again with as many as it asks for. By how much one of the sides collected is slower
    through all rounds, by chance or not, is in every draw; a second share of false alarms is
    without that.
    """
    chance = np.random.default_rng(0)
    level, strict = (level_of_one(SETTINGS.level, tests, has_others=True) for tests in (1, CHECKED))
    planned = planned_rounds(CHECKED)
    false, equal = np.zeros((checks, 3), bool), np.zeros((checks, CHECKED))
    for check in range(checks):
        drawn = [samples[0.0].times(planned, chance, equal=True) for _ in range(CHECKED)]
        mixed = [chance.permuted(times, axis=0) for times in drawn]
        false[check] = [any(each) for each in (*time_check(drawn), time_check(mixed)[1])]
        equal[check] = [paired_chances(times[2], times[:2])[0] for times in drawn]
    alone, together, apart = false.mean(axis=0)
    print(f"\n{checks} checks of {CHECKED} plugins, {planned} rounds and what these ask for\n")
    print(f"false alarms: {together:.2%} of the checks (by each test alone {alone:.2%})")
    print(f"where each round's sides change places, as sides that are alike may: {apart:.2%}")
    shares = {}
    for slower in (each for each in samples if each):
        found, asked = np.zeros((checks, 2), bool), np.full(checks, planned)
        for check, others in enumerate(equal):
            more: int | None = planned
            for step in range(2):
                if more is not None:  # Else what was found of the first rounds is the answer.
                    asked[check] = more
                    times = samples[slower].times(more, chance)
                    judged = tested(times, strict)
                    p = hommel([paired_chances(times[2], times[:2])[0], *others[1:]])[0]
                found[check, step] = p <= level and judged.finding.verdict == WORSE
                more = rounds_asked(judged, strict)
        first, shares[slower] = found.mean(axis=0)
        told = f"{shares[slower]:.1%} with {np.median(asked):.0f} rounds (up to {max(asked)})"
        print(f"one plugin {slower:.0%} slower: found in {first:.1%}, in {told}")
    exact = _exactly_slower(samples[0.0], 0.05, checks, planned, strict)
    print(f"exactly 5% slower, by the noise of these processes alone: found in {exact:.1%}")
    is_found = is_within(1 - shares[0.05], 1 - FOUND, checks)
    return all(is_within(float(share), FALSE, checks) for share in (together, apart)) and is_found


def _exactly_slower(
    triples: Triples, slower: float, checks: int, planned: int, strict: float
) -> float:
    """Return how often processes of which one is made slower by a share are found out.

    The work that a slowed plugin does comes out as more or less than it should; here the sides of
    each round change places and the times of one are multiplied.
    """
    chance, found = np.random.default_rng(1), 0

    def judged(rounds: int) -> Tested:
        times = chance.permuted(triples.times(rounds, chance), axis=0)
        times[2] *= 1 + slower
        return tested(times, strict)

    for _ in range(checks):
        first = judged(planned)
        more = rounds_asked(first, strict)
        last = first if more is None else judged(more)
        found += last.finding.verdict == WORSE and (last.worse or 0.0) <= strict
    return found / checks


# Made noise


def measure(rounds: int) -> bool:
    """Judge made noise, ten times as many draws as rounds; say whether our bounds hold."""
    held = []
    for title, noise, outliers in (
        ("1.2% from process to process", 0.012, 0.0),
        ("0.8%, and one process in 40 a fifth slower", 0.008, 1 / 40),
    ):
        print(f"\nMade noise: {title}; {10 * rounds} draws of {PAIRS} pairs\n")
        held.append(judge(made(noise, outliers), 10 * rounds))
    return held[0]


def made(noise: float, outliers: float, triples: int = 200) -> Samples:
    """Make samples: processes differ by ``noise``, neighbours drift together."""
    random = np.random.default_rng(1)
    samples = {}
    for slower in SLOWDOWNS:
        shape = 3, triples, 1
        logs = np.log(0.02) + noise * random.standard_normal(shape)
        logs += np.log(1.2) * (random.random(shape) < outliers)
        logs = logs + 0.01 * random.standard_normal((1, triples, 1)).cumsum(axis=1)
        logs = logs + 0.02 * random.exponential(size=(3, triples, 40))
        logs[2] += np.log1p(slower)
        samples[slower] = Triples(*np.exp(logs).tolist())
    return samples


# Real plugins


def collect(name: str, rounds: int, file: Path, say: Callable[[str], None]) -> None:
    """Measure a plugin beside itself, and beside itself with extra work in each step.

    As in a check, every round has servers of its own, one for each arm: where one forked all
    three of the candidates, these were 3% slower than the base by that alone. The plain plugin
    and the slowed ones run beside the same two processes of the base. What a round has measured
    is kept at once, and added to what the file holds already.

    Args:
        name: The plugin's; its ``build`` has to return a Keras model.
        rounds: How many the file is to hold.
        file: Where they are kept.
        say: Is told of each round.
    """
    samples = _collected(file)
    registry = discover()
    (plain,) = registry.select([name])
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        plugins = {each: _slowed(plain, each, folder) if each else plain for each in SLOWDOWNS}
        conditions = Conditions(source="synthetic")
        prepare = prepare_here(conditions.source, {}, _quiet)
        turns = [
            (
                stack.enter_context(
                    closing(Sampler(registry, LocalExecutor(), conditions, prepare))
                ),
                it,
            )
            for it in (plain, plain, *plugins.values())
        ]
        while (known := len(samples[TRAIN_STEP][0.0].base)) < rounds:
            say(f"round {known + 1} of {rounds}")
            for sampler, _ in turns:
                sampler.renew()
            found = {place: _steps_of(*turns[place]) for place in _CHANCE.permutation(len(turns))}
            for place, each in enumerate(plugins, start=2):
                for metric, by_slowdown in samples.items():
                    arms = (found[arm][metric] for arm in (0, 1, place))
                    by_slowdown[each] = by_slowdown[each].and_round(*arms)
            write(samples, file)


_CHANCE = np.random.default_rng(0)


def _quiet(line: str) -> None:
    """What a sampler says of the data is of no interest here."""


def _steps_of(sampler: Sampler, plugin: Plugin) -> Clocked:
    sampled = sampler.sample(plugin)
    if TRAIN_STEP not in sampled.rounds:
        raise SystemExit(f"{sampled.key}: {sampled.status}: {sampled.reason}")
    return {metric: [*sampled.rounds[metric]] for metric in CLOCKED}


_EXTRA = '''

def _busier(model, share):
    """After each step, keep the processor busy for a share of what it did in the step."""
    import time

    make = model.make_train_function

    def make_busier(force=False):
        if model.train_function is not None and not force:
            return model.train_function
        make(force)
        step = model.train_function

        def busier(iterator):
            started = time.process_time()
            logs = step(iterator)
            now = time.process_time()
            until = now + share * (now - started)
            while time.process_time() < until:
                pass
            return logs

        model.train_function = busier
        return busier

    model.make_train_function = make_busier
    return model


def _changed(model):
    return _busier(model, {share})
'''


def _slowed(plugin: Plugin, share: float, folder: Path) -> Plugin:
    """Write a copy of a plugin whose steps take longer by a share, and read it."""
    extra = _EXTRA.format(share=share)
    return wrapped(plugin, extra, folder / f"{plugin.name}_{share * 100:.0f}.py")


# Files


def write(samples: Mapping[str, Samples], path: Path) -> None:
    """Keep samples as JSON, by metric and slowdown."""
    kept = {
        metric: {str(slower): asdict(triples) for slower, triples in by_slowdown.items()}
        for metric, by_slowdown in samples.items()
    }
    path.write_text(json.dumps(kept), encoding="utf-8")


def read(path: Path) -> dict[str, dict[float, Triples]]:
    """Read what ``write`` has kept."""
    kept = json.loads(path.read_text(encoding="utf-8"))
    return {
        metric: {float(slower): Triples(**arms) for slower, arms in by_slowdown.items()}
        for metric, by_slowdown in kept.items()
    }


def _collected(file: Path) -> dict[str, dict[float, Triples]]:
    """Return what a file holds already, and without one nothing of each."""
    if file.exists():
        return read(file)
    return {metric: {each: Triples([], [], []) for each in SLOWDOWNS} for metric in CLOCKED}


def _noise(samples: Samples) -> Iterator[str]:
    for slower, triples in sorted(samples.items()):
        arms = (triples.base, triples.control, triples.candidate)
        base, again, candidate = (np.log([*map(process_value, arm)]) for arm in arms)
        shift = np.expm1(np.median(candidate - (base + again) / 2))
        yield (
            f"{slower:.0%}: {len(base)} triples; from process to process {base.std(ddof=1):.2%}, "
            f"neighbours {(again - base).std(ddof=1) / 2**0.5:.2%}; median slower by {shift:.2%}"
        )


def main() -> int:
    """Collect samples, or judge those collected."""
    parser = argparse.ArgumentParser(prog="python -m campaigns.benchmarks.gate")
    parser.add_argument("what", choices=("collect", "judge"))
    parser.add_argument("file", type=Path)
    parser.add_argument("--plugin", default="jena_gru")
    parser.add_argument("--rounds", type=int, default=45, help="processes of each arm")
    parser.add_argument("--draws", type=int, default=1000, help=f"sets of {PAIRS} pairs")
    options = parser.parse_args()
    if options.what == "collect":
        collect(options.plugin, options.rounds, options.file, print)
        return 0
    held = []
    for metric, samples in read(options.file).items():
        print(f"\n{metric}: {METRICS[metric].about}\n")
        print("\n".join(_noise(samples)), "\n")
        held += [judge(samples, options.draws), judge_checks(samples, options.draws)]
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
