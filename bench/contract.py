"""The contract of a plugin: the checks that it is held to, and what came of each."""

from __future__ import annotations

from dataclasses import dataclass

PARSES = "parses"
IMPORTS = "imports"
BUILDS = "builds"
GLOBAL_STATE = "global_state"
OUTPUT_SHAPE = "output_shape"
TRAINS = "trains"
SAME_SEED = "same_seed"
SAVES = "saves"

#: In the order in which they are made. The first is made by reading the file, the others
#: by a worker that runs it. A crash is put down to the first that is not yet done.
CHECKS = (PARSES, IMPORTS, BUILDS, GLOBAL_STATE, OUTPUT_SHAPE, TRAINS, SAME_SEED, SAVES)

#: Seconds for all checks of one plugin: some ten times what the slowest shipped one takes.
TIMEOUT = 120.0

PASSED = "passed"
FAILED = "failed"
SKIPPED = "skipped"
NOT_REACHED = "not reached"
STATUSES = (PASSED, FAILED, SKIPPED, NOT_REACHED)


@dataclass(frozen=True)
class Verdict:
    """What came of one check of one plugin; ``reason`` is empty where it passed."""

    plugin: str
    path: str
    check: str
    status: str
    reason: str = ""

    @property
    def good(self) -> bool:
        """Whether the check passed, or could not be made here and says why."""
        return self.status in (PASSED, SKIPPED)
