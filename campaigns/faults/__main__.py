"""``python -m campaigns.faults``: strike runs of tiny trials, and see that nothing is lost.

Then files are spoilt, and what reads them has to read or refuse each; ``mutations`` does that
alone, ``kills`` leaves it out, ``merges`` kills merges alone, ``indexes`` what
writes and reads a large store. Progress goes to standard error, the tables to standard output.
Exit status: 0 nothing was lost or changed, 1 something was, and standard error says what.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.runs import processes

from . import mutations
from .disk import disk_rounds
from .indexes import index_rounds
from .merges import merge_rounds
from .rounds import Campaign, kill_rounds, pair_rounds
from .schedule import faults
from .tally import to_markdown
from .world import JENA, TOWN, World

PARTS = ("all", "kills", "merges", "indexes", "mutations")


def main() -> int:
    """Run a campaign as the command line asks."""
    parser = argparse.ArgumentParser(prog="python -m campaigns.faults", description=__doc__)
    parser.add_argument("part", nargs="?", choices=PARTS, default="all")
    parser.add_argument("--count", type=int, default=5000, help="files that are spoilt")
    parser.add_argument("--kills", type=int, default=200, help="kills of single runs")
    parser.add_argument("--merges", type=int, default=50, help="kills of merges")
    parser.add_argument("--indexes", type=int, default=50, help="kills in large stores")
    parser.add_argument("--pairs", type=int, default=10, help="pairs of runs on one folder")
    parser.add_argument("--seed", type=int, default=0, help="decides what is killed, and when")
    parser.add_argument(
        "--own-task", action="store_true", help="strike runs of a task of one's own, not of jena"
    )
    parser.add_argument("--no-disk", action="store_true", help="leave out full disks")
    parser.add_argument("--folder", type=Path, help="where to work; it is kept")
    options = parser.parse_args()

    folder = options.folder or Path(tempfile.mkdtemp(prefix="bench-faults-"))
    faults = 0
    if options.part != "mutations":
        faults += _strike_runs(folder, options)
    if options.part in ("all", "mutations"):
        faults += mutations.run(folder / "mutations", options.count, options.seed, _say)
    if faults:
        _say(f"the folder is kept: {folder}")
    elif options.folder is None:
        shutil.rmtree(folder)
    return 1 if faults else 0


def _strike_runs(folder: Path, options: argparse.Namespace) -> int:
    """Strike runs, print the table and every difference; return how many there were."""
    struck = TOWN if options.own_task else JENA
    campaign = Campaign(World(folder.resolve(), struck.names, struck=struck))
    started = time.monotonic()
    tally = campaign.tally
    try:
        for line in _all_rounds(campaign, options):
            _say(
                f"{time.monotonic() - started:6.0f} s, {tally.killed} kills, "
                f"{len(tally.differences)} differences | {line}"
            )
    finally:
        for process in campaign.world.processes():
            processes.kill_tree(process)
    tally.seconds = time.monotonic() - started
    print(to_markdown(tally), end="")
    for line in tally.differences:
        _say(f"difference: {line}")
    return len(tally.differences)


def _all_rounds(campaign: Campaign, options: argparse.Namespace) -> Iterator[str]:
    campaign.world.make()
    campaign.learn()
    yield f"undisturbed: {len(campaign.expected.results)} trials in {campaign.duration:.1f} s"
    if options.part != "indexes":
        yield from merge_rounds(campaign, options.merges, options.seed)
    if options.part == "merges":
        return
    yield from index_rounds(campaign, options.indexes, options.seed)
    if options.part == "indexes":
        return
    schedule = faults(options.seed, campaign.duration)
    yield from pair_rounds(campaign, schedule, options.pairs)
    if not options.no_disk:
        yield from disk_rounds(campaign)
    yield from kill_rounds(campaign, schedule, campaign.tally.killed + options.kills)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
