"""Do intervals hold what they say, and how long does a table of 200 plugins take to rank?"""

from __future__ import annotations

import time
import tracemalloc
from dataclasses import replace
from itertools import product

import numpy as np
from tabulate import tabulate

from bench.statistics.blocks import PluginScores
from bench.statistics.compare import compare
from tests.score_world import ScoreWorld, coverage, false_tables

#: Bounds: 95% intervals, tables of equals with a false separation, power at ``detectable``;
#: with what chance adds in three standard errors of so many tables.
COVERAGE = (0.93, 0.97)
FALSE_TABLES = 0.05
POWER = (0.65, 0.9)
SECONDS, GIBIBYTES = 20.0, 1.5
#: Tables of a scenario in one round.
TABLES = 40

INDEPENDENT = ScoreWorld(plugins=5, groups=1000)
CORRELATED = ScoreWorld(plugins=5, groups=300, hours=24)
KINDS = {"independent": INDEPENDENT, "correlated": CORRELATED}


def measure(rounds: int) -> bool:
    """Print coverage, false tables, power and the cost of a large table; say if all hold."""
    repeats = rounds * TABLES
    print(f"Statistics on made scores, {repeats} tables a line\n")
    return all([_coverage(repeats), _false_tables(repeats), _power(repeats), _large_table()])


def _coverage(repeats: int) -> bool:
    """Cover the truth with 1 plugin (its own variance) and with 5 (moderated)."""
    rows = []
    for (kind, world), seeds, plugins in product(KINDS.items(), (1, 3, 5, 10), (1, 5)):
        covered = []
        for size in (0.0,) if seeds == 1 else (0.3, 1.0, 3.0):
            made = replace(world, plugins=plugins, seeds=seeds, seed_size=size)
            # One seed: the interval is of the one model, so its interaction is no error.
            covered.append(coverage(made, repeats * (5 // plugins)))
        rows.append([kind, seeds, plugins, *covered])
    heads = ["examples", "seeds", "plugins", "seeds x 0.3 (one: 0)", "x 1", "x 3"]
    print(tabulate(rows, heads, "github", floatfmt=".3f"), "\n")
    return all(_within(COVERAGE, value, repeats) for row in rows for value in row[3:])


def _false_tables(repeats: int) -> bool:
    rows = []
    for (kind, world), seeds in product(KINDS.items(), (1, 3, 5)):
        made = [
            replace(world, seeds=seeds, plugins=plugins, unequal=unequal, seed_size=size)
            for plugins in (3, 10)
            for unequal, size in ([(0, 0)] if seeds == 1 else [(0, 0.3), (0, 2), (2, 2)])
        ]
        for each in made:
            share = false_tables(each, repeats)
            rows.append([kind, seeds, each.plugins, each.seed_size, each.unequal or "", share])
    heads = ["examples", "seeds", "plugins", "seed effect", "unequal (df)", "false tables"]
    print(tabulate(rows, heads, "github", floatfmt=".3f"), "\n")
    return all(_within((0.0, FALSE_TABLES), row[-1], repeats) for row in rows)


def power(world: ScoreWorld, repeats: int) -> float:
    """Share of tables that separate two plugins that differ by what is ``detectable``."""
    told = [found.detectable or 0.0 for found in world.comparisons(20, seed=1)]
    made = replace(world, better=float(np.median(told)))
    found = [found.pair("p00", "p01").separated for found in made.comparisons(repeats, seed=2)]
    return float(np.mean(found))


def _power(repeats: int) -> bool:
    rows = [
        [kind, seeds, size, power(replace(world, seeds=seeds, seed_size=size), repeats)]
        for (kind, world), seeds, size in product(KINDS.items(), (3, 5), (0.3, 2.0))
    ]
    print(tabulate(rows, ["examples", "seeds", "seed effect", "power"], "github"), "\n")
    return all(_within(POWER, row[-1], repeats) for row in rows)


def _within(bounds: tuple[float, float], share: float, repeats: int) -> bool:
    low, high = (3 * (bound * (1 - bound) / repeats) ** 0.5 for bound in bounds)
    return bounds[0] - low <= share <= bounds[1] + high


def _large_table() -> bool:
    """Compare 200 plugins of 10 seeds on 25,000 examples, and tell time and memory."""
    random = np.random.default_rng(0)
    common = random.random(25_000, dtype="float32")
    samples = [
        PluginScores(
            f"p{number:03}",
            tuple(range(10)),
            (0.7 * common + 0.3 * random.random((10, 25_000), dtype="float32") < 0.8).astype(
                "float32"
            ),
        )
        for number in range(200)
    ]
    start = time.perf_counter()
    compare(samples, np.arange(25_000), "max")
    seconds = time.perf_counter() - start
    # Traced apart: tracing slows.
    tracemalloc.start()
    compare(samples, np.arange(25_000), "max")
    peak = tracemalloc.get_traced_memory()[1] / 2**30
    tracemalloc.stop()
    print(f"200 plugins x 10 seeds x 25,000 examples: {seconds:.1f} s, {peak:.2f} GiB beside them")
    return seconds <= SECONDS and peak <= GIBIBYTES
