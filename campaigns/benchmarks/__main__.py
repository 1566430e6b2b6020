"""``python -m campaigns.benchmarks NAME``: measure, print a table, exit 1 if a bound is missed."""

from __future__ import annotations

import argparse
import sys

from campaigns.benchmarks import (
    client,
    cluster,
    gate,
    gate_checks,
    gate_quality,
    gather,
    large_stores,
    memory,
    scale,
    start_up,
    statistics,
    stored,
)

BENCHMARKS = {
    "start-up": start_up.measure,
    "statistics": statistics.measure,
    "stored": stored.measure,
    "scale": scale.measure,
    "large-stores": large_stores.measure,
    "gate": gate.measure,
    "gate-checks": gate_checks.measure,
    "gate-quality": gate_quality.measure,
    "gather": gather.measure,
    "cluster": cluster.measure,
    "client": client.measure,
    "memory": memory.measure,
}


def main() -> int:
    """Run one benchmark, or all."""
    parser = argparse.ArgumentParser(prog="python -m campaigns.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--rounds", type=int, default=10, help="repeats of each side")
    options = parser.parse_args()
    for name in options.names:
        if name not in BENCHMARKS:
            parser.error(f"there is no benchmark {name}; there are: {', '.join(BENCHMARKS)}")
    held = [BENCHMARKS[name](options.rounds) for name in options.names or BENCHMARKS]
    return 0 if all(held) else 1


sys.exit(main())
