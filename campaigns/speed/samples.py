"""What was measured: one sample a side and round, kept in a file after each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from bench.errors import BenchError
from bench.files import write_whole

from .specification import Work

PLAIN, SUITE = "plain", "suite"


@dataclass(frozen=True)
class Sample:
    """One trial of one side: seconds, and bytes of memory at the peak.

    ``step`` is an epoch's training divided by its steps; ``validation`` is a pass after an
    epoch and ``end`` the scores at the end, both a 1,000 examples. Of epochs and passes the
    first, which compiles, is left out, and the median taken. ``whole`` is from the start of
    the process to its end. ``details`` are for a reader of the raw file.
    """

    work: Work
    step: float
    validation: float
    end: float
    whole: float
    peak: int
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def single_step(self) -> float:
        """Seconds of a step clocked by itself, without what an epoch's ends cost.

        Where steps run several in a call, so that none is clocked, it is ``step``.
        """
        return float(self.details.get("median_step", self.step))

    @property
    def start(self) -> float:
        """Everything but steps and scores: imports, reading, building, compiling, writing."""
        return max(0.0, self.whole - self.beyond_start(self.work))

    def beyond_start(self, work: Work) -> float:
        """Return the seconds that steps and scores take at this sample's pace."""
        epoch = work.steps * self.step + work.validated / 1000 * self.validation
        return work.epochs * epoch + work.scored / 1000 * self.end


def steady(values: list[float]) -> float:
    """Return the median of all but the first value; of a single one, that."""
    return median(values[1:] or values)


class Samples:
    """The samples of a measurement by model and side, in the order of the rounds.

    With a path they are written after each, so that an interrupted measurement goes on.
    """

    def __init__(self, settings: Mapping[str, Any], path: Path | None = None) -> None:
        """Take up what the file has.

        Raises:
            BenchError: The file was made with other settings, or is none of these.
        """
        self._settings = dict(settings)
        self._path = path
        self._found: dict[str, dict[str, list[Sample]]] = {}
        if path is not None and path.exists():
            self._read(path)

    def of(self, name: str, side: str) -> list[Sample]:
        """Return the samples that there are, the first round's first."""
        return self._found.get(name, {}).get(side, [])

    def pairs(self, name: str) -> list[tuple[Sample, Sample]]:
        """Return plain and suite of each round that has both."""
        return list(zip(self.of(name, PLAIN), self.of(name, SUITE), strict=False))

    def add(self, name: str, side: str, sample: Sample) -> None:
        """Take in a sample and write all to the file."""
        self._found.setdefault(name, {}).setdefault(side, []).append(sample)
        if self._path is not None:
            write_whole(self._path, self._to_json().encode())

    def _to_json(self) -> str:
        samples = {
            name: {side: [asdict(sample) for sample in found] for side, found in sides.items()}
            for name, sides in self._found.items()
        }
        return json.dumps({"settings": self._settings, "samples": samples}, indent=1)

    def _read(self, path: Path) -> None:
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            settings, found = document["settings"], document["samples"]
            self._found = {
                name: {side: [_sample(entry) for entry in list_] for side, list_ in sides.items()}
                for name, sides in found.items()
            }
        except (ValueError, KeyError, TypeError, AttributeError, OSError) as error:
            raise BenchError(
                f"--output {path}: is no file of an earlier measurement "
                f"({type(error).__name__}: {error}); give another name"
            ) from None
        # Other models may have brought settings of their own, those of another task's data.
        for key in settings.keys() & self._settings.keys():
            old, new = settings[key], self._settings[key]
            if old != new:
                raise BenchError(
                    f"--output {path}: was measured with {key} {old}, not {new}; "
                    "give the same again, or another file"
                )
        self._settings = {**settings, **self._settings}


def _sample(entry: Mapping[str, Any]) -> Sample:
    return Sample(**{**entry, "work": Work(**entry["work"])})
