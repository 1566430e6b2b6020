"""``python -m campaigns.mutants``: plant bugs one by one, and see that the tests catch each.

Progress goes to standard error, the table to standard output. Exit status: 0 all were
caught; 1 some survived; 2 the command line is wrong, or of some mutant nothing can be said:
its text or its tests are not found, or pytest ended otherwise than by a failed test.
"""

from __future__ import annotations

import argparse
import queue
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from tabulate import tabulate

from .mutant import CampaignError, Mutant, Planted, plant_all, tests_of
from .planted import MUTANTS
from .tree import Tree

ROOT = Path(__file__).resolve().parents[2]

CAUGHT, SURVIVED, ERROR = "caught", "survived", "error"


@dataclass(frozen=True)
class Result:
    """What became of a mutant; ``reason`` is what caught it, or why there is no telling."""

    mutant: Mutant
    verdict: str
    seconds: float
    reason: str = ""


def main(words: Sequence[str]) -> int:
    """Run the campaign as the command line asks."""
    options = _parser().parse_args(words)
    try:
        mutants = _chosen(options.only or [])
        with tempfile.TemporaryDirectory(prefix="bench-mutants-") as folder:
            results = _campaign(mutants, options.jobs, Path(folder).resolve())
    except CampaignError as error:
        _say(str(error))
        return 2
    print(_table(results))
    for result in results:
        if result.verdict == SURVIVED:
            _say(f"survived: {result.mutant.name}: {result.mutant.why}")
        elif result.verdict == ERROR:
            _say(f"error: {result.reason}")
    verdicts = {result.verdict for result in results}
    return 2 if ERROR in verdicts else 1 if SURVIVED in verdicts else 0


def _chosen(names: Sequence[str]) -> list[Mutant]:
    known = {mutant.name: mutant for mutant in MUTANTS}
    if len(known) < len(MUTANTS):
        raise CampaignError("two mutants have one name")
    unknown = [name for name in names if name not in known]
    if unknown:
        raise CampaignError(f"{unknown[0]}: is no mutant; there are: {', '.join(known)}")
    return [known[name] for name in dict.fromkeys(names)] or [*MUTANTS]


def _campaign(mutants: Sequence[Mutant], jobs: int, folder: Path) -> list[Result]:
    """Try each mutant; return the results in the order of the mutants."""
    started = time.monotonic()
    trees = [Tree(ROOT, folder / f"tree-{number}") for number in range(jobs)]
    planted = plant_all(mutants, trees[0].root)
    tests = tests_of(planted)
    _say(f"{len(planted)} mutants; {len(tests)} tests without any of them")
    trees[0].passes_clean(tests)
    free: queue.SimpleQueue[Tree] = queue.SimpleQueue()
    for tree in trees:
        free.put(tree)

    def attempt(each: Planted) -> Result:
        tree = free.get()
        try:
            return _try(each, tree)
        finally:
            free.put(tree)

    results: dict[str, Result] = {}
    with ThreadPoolExecutor(jobs) as pool:
        futures = [pool.submit(attempt, each) for each in planted]
        try:
            for future in as_completed(futures):
                result = future.result()
                results[result.mutant.name] = result
                _say(
                    f"{time.monotonic() - started:6.0f} s, {len(results)} of {len(planted)} | "
                    f"{result.mutant.name}: {_became(result)}"
                )
        except BaseException:
            # Who interrupts it does not want to wait for all others.
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return [results[mutant.name] for mutant in mutants]


def _try(planted: Planted, tree: Tree) -> Result:
    started = time.monotonic()
    try:
        test = tree.caught_by(planted)
        verdict, reason = (SURVIVED, "") if test is None else (CAUGHT, test)
    except CampaignError as error:
        verdict, reason = ERROR, str(error)
    return Result(planted.mutant, verdict, time.monotonic() - started, reason)


def _became(result: Result) -> str:
    return f"caught by {result.reason}" if result.verdict == CAUGHT else result.verdict


def _table(results: Sequence[Result]) -> str:
    rows = [(r.mutant.name, r.mutant.area, r.verdict, f"{r.seconds:.1f}") for r in results]
    headers = ("mutant", "area", "verdict", "seconds")
    return tabulate(rows, headers, disable_numparse=True, colalign=(*["left"] * 3, "right"))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m campaigns.mutants",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--only", action="append", metavar="NAME", help="this mutant alone; may be repeated")
    add("--jobs", type=_at_least_one, default=1, help="mutants at once (default 1)")
    return parser


def _at_least_one(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, not {value}")
    return value


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
