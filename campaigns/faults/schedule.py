"""Which faults strike a campaign's runs, and when: a pure function of the seed."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

Target = Literal["run", "worker", "all"]
Moment = Literal["random", "writing"]

TARGETS: tuple[Target, ...] = ("run", "worker", "all")
MOMENTS: tuple[Moment, ...] = ("random", "writing")

#: Share of the faults that are aimed at a moment of writing.
AIMED = 0.4
#: A trial leaves two files, each under a temporary name first.
_MOST_NEW_FILES = 12
#: Seconds that writing one file takes at most: it is some kilobytes and an fsync.
_WRITING = 0.004


@dataclass(frozen=True)
class Fault:
    """One ``kill -9``.

    At a random moment it strikes ``delay`` seconds after the run was started, or after
    the fault before if the run survived that. Aimed at writing it strikes ``delay`` seconds
    after the ``new_files``-th new name in the results folder. ``pick``, in [0, 1), says
    which of the run's processes is the worker to kill.
    """

    target: Target
    moment: Moment
    delay: float
    new_files: int
    pick: float


def faults(seed: int, duration: float) -> Iterator[Fault]:
    """Yield faults without end, for runs that take ``duration`` seconds undisturbed."""
    random_ = random.Random(seed)
    while True:
        target = random_.choice(TARGETS)
        aimed = random_.random() < AIMED
        yield Fault(
            target=target,
            moment="writing" if aimed else "random",
            delay=random_.uniform(0, _WRITING if aimed else duration),
            new_files=random_.randint(1, _MOST_NEW_FILES),
            pick=random_.random(),
        )
