"""How often does the gate cry wolf, and how often does it find a slowdown that is there?

``python -m tests.benchmarks gate`` answers on made noise. On a real plugin, some of whose
steps do 5% and 10% of extra work:

    python -m tests.benchmarks.gate collect samples.json --rounds 45
    python -m tests.benchmarks.gate judge samples.json
"""

from __future__ import annotations

import argparse
import ast
import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from scipy.stats import mannwhitneyu
from tabulate import tabulate

from bench.gate.costs import Measurements, judge_rounds
from bench.gate.interleave import Revision, Turns, compare_interleaved
from bench.gate.metrics import METRICS, TRAIN_STEP
from bench.gate.sampler import SamplingSettings
from bench.gate.settings import Settings
from bench.gate.side import Key, Measured, Side
from bench.gate.verdicts import WORSE
from bench.registry.discover import discover
from bench.registry.plugins import Plugin, read_plugin

PAIRS = 8
#: Extra work of the candidate, as a share of a step; none for a comparison of equals.
SLOWDOWNS = (0.0, 0.05, 0.10)
#: Bounds: false alarms, and 5% slowdowns found.
FALSE, FOUND = 0.01, 0.95

Rounds = Sequence[Sequence[float]]


@dataclass(frozen=True)
class Triples:
    """Raw rounds of three arms, a list a process, in seconds; the n-th were neighbours."""

    base: Rounds
    again: Rounds
    candidate: Rounds

    def drawn(self, chance: np.random.Generator, equal: bool) -> Triples:
        """Draw pairs without replacement; of equals any of the arms may be the candidate."""
        places = chance.choice(len(self.base), PAIRS, replace=False)
        arms = [self.base, self.again, self.candidate]
        if equal:
            arms = [arms[place] for place in chance.permutation(3)]
        return Triples(*([arm[place] for place in places] for arm in arms))


Samples = Mapping[float, Triples]


# The rules


def _ours(drawn: Triples) -> bool:
    base, candidate, again = (
        Measured(_KEY, "ok", rounds={TRAIN_STEP: tuple(map(tuple, arm))})
        for arm in (drawn.base, drawn.candidate, drawn.again)
    )
    measured = Measurements(base, candidate, again, paired=True)
    found = judge_rounds(measured, METRICS[TRAIN_STEP], Settings())
    return found is not None and found.verdict == WORSE


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


def collect(plugin: str, rounds: int, say: Callable[[str], None]) -> Samples:
    """Measure a plugin beside itself, and beside itself with extra work in each step.

    Args:
        plugin: A name; its ``build`` has to return a Keras model.
        rounds: Triples of processes for each slowdown, no fewer than ``PAIRS``.
        say: Is told of each process.
    """
    registry = discover()
    (plain,) = registry.select([plugin])
    samples = {}
    for slower in SLOWDOWNS:
        with tempfile.TemporaryDirectory() as folder:
            slowed = _slowed(plain, slower, Path(folder)) if slower else plain
            base = Revision("plain", "", registry, {plain.name: plain})
            candidate = Revision(
                f"{slower:.0%}", "", registry, {plain.name: replace(slowed, name=plain.name)}
            )
            found = compare_interleaved(
                base, candidate, SamplingSettings(source="synthetic"), Turns(rounds), say
            )
        arms = (found.base, found.again, found.candidate)
        samples[slower] = Triples(*map(_steps_of, arms))
    return samples


def _steps_of(side: Side) -> Rounds:
    (measured,) = side.plugins.values()
    if TRAIN_STEP not in measured.rounds:
        raise SystemExit(f"{measured.key}: {measured.status}: {measured.reason}")
    return measured.rounds[TRAIN_STEP]


_EXTRA = '''

def _busier(model, share):
    """After each step, keep the processor busy for a share of what the step took."""
    import time

    make = model.make_train_function

    def make_busier(force=False):
        if model.train_function is not None and not force:
            return model.train_function
        make(force)
        step = model.train_function

        def busier(iterator):
            started = time.perf_counter()
            logs = step(iterator)
            now = time.perf_counter()
            until = now + share * (now - started)
            while time.perf_counter() < until:
                pass
            return logs

        model.train_function = busier
        return busier

    model.make_train_function = make_busier
    return model


def build({parameters}):
    return _busier(_plain_build({names}), {share})
'''


def _slowed(plugin: Plugin, share: float, folder: Path) -> Plugin:
    """Write a copy of a plugin whose steps take longer by a share, and read it."""
    (build,) = (
        node
        for node in ast.parse(plugin.source).body
        if isinstance(node, ast.FunctionDef) and node.name == "build"
    )
    names = ", ".join(argument.arg for argument in build.args.args)
    extra = _EXTRA.format(parameters=ast.unparse(build.args), names=names, share=share)
    path = folder / plugin.path.name
    source = plugin.source.replace("def build(", "def _plain_build(")
    path.write_text(source + extra, encoding="utf-8")
    slowed = read_plugin(path, discover().tasks)
    if slowed.problems:
        raise SystemExit(f"{plugin.name}: {slowed.problems[0]}")
    return slowed


# Files


def write(samples: Samples, path: Path) -> None:
    """Keep samples as JSON, by slowdown."""
    kept = {str(slower): asdict(triples) for slower, triples in samples.items()}
    path.write_text(json.dumps(kept), encoding="utf-8")


def read(path: Path) -> Samples:
    """Read what ``write`` has kept."""
    kept = json.loads(path.read_text(encoding="utf-8"))
    return {float(slower): Triples(**arms) for slower, arms in kept.items()}


def _noise(samples: Samples) -> Iterator[str]:
    for slower, triples in sorted(samples.items()):
        arms = (triples.base, triples.again, triples.candidate)
        base, again, candidate = (np.log([np.median(rounds) for rounds in arm]) for arm in arms)
        shift = np.expm1(np.median(candidate - (base + again) / 2))
        yield (
            f"{slower:.0%}: {len(base)} triples; from process to process {base.std(ddof=1):.2%}, "
            f"neighbours {(again - base).std(ddof=1) / 2**0.5:.2%}; median slower by {shift:.2%}"
        )


def main() -> int:
    """Collect samples, or judge those collected."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.gate")
    parser.add_argument("what", choices=("collect", "judge"))
    parser.add_argument("file", type=Path)
    parser.add_argument("--plugin", default="jena_gru")
    parser.add_argument("--rounds", type=int, default=45, help="triples of each slowdown")
    parser.add_argument("--draws", type=int, default=1000, help=f"sets of {PAIRS} pairs")
    options = parser.parse_args()
    if options.what == "collect":
        write(collect(options.plugin, options.rounds, print), options.file)
        return 0
    samples = read(options.file)
    print("\n".join(_noise(samples)), "\n")
    return 0 if judge(samples, options.draws) else 1


if __name__ == "__main__":
    sys.exit(main())
