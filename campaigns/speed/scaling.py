"""From a shortened schedule to the whole one: pure arithmetic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from .samples import Sample
from .specification import Work


@dataclass(frozen=True)
class Pace:
    """What one side takes of one model, seconds as in ``Sample``.

    Each figure is the least of the samples, and a step is one by itself: what other work on
    the machine costs, and what tf.data waits at the end of a short epoch or pass, does not
    grow with a schedule and must not be scaled with it.
    """

    start: float
    step: float
    validation: float
    end: float

    @classmethod
    def of(cls, samples: Sequence[Sample]) -> Pace:
        """Return the least of each figure by itself."""
        return cls(
            min(sample.start for sample in samples),
            min(sample.single_step for sample in samples),
            min(sample.validation for sample in samples),
            min(sample.end for sample in samples),
        )

    def seconds(self, work: Work) -> float:
        """Return start + epochs x (steps x step + validation pass) + scores at the end."""
        epoch = work.steps * self.step + work.validated / 1000 * self.validation
        return self.start + work.epochs * epoch + work.scored / 1000 * self.end


@dataclass(frozen=True)
class Scaled:
    """One model's whole training on both sides.

    ``work`` is what each side does: the suite scores the validation split once more at the
    end. ``epochs_run`` is after how many epochs the suite stopped in full trainings that
    were recorded, None where none is known.
    """

    name: str
    plain: Pace
    suite: Pace
    plain_work: Work
    suite_work: Work
    epochs_run: float | None = None

    @property
    def plain_seconds(self) -> float:
        """Seconds of the plain script, all epochs."""
        return self.plain.seconds(self.plain_work)

    @property
    def suite_seconds(self) -> float:
        """Seconds of the suite, all epochs."""
        return self.suite.seconds(self.suite_work)

    @property
    def stopped_seconds(self) -> float:
        """Seconds of the suite where it stops at the plugin's patience, as recorded."""
        if self.epochs_run is None:
            return self.suite_seconds
        whole = self.suite_seconds
        none = self.suite.seconds(replace(self.suite_work, epochs=0))
        return none + (whole - none) * self.epochs_run / self.suite_work.epochs


def scale(
    pairs: Mapping[str, Sequence[tuple[Sample, Sample]]],
    full: Mapping[str, tuple[Work, Work]],
    epochs_run: Mapping[str, float],
) -> list[Scaled]:
    """Scale what was measured to full schedules.

    Args:
        pairs: Plain and suite of each round, by model; a model without any is left out.
        full: What plain and suite do under the full schedule.
        epochs_run: After how many epochs the suite stopped, where known.
    """
    return [
        Scaled(
            name,
            Pace.of([plain for plain, _ in rounds]),
            Pace.of([suite for _, suite in rounds]),
            *full[name],
            epochs_run.get(name),
        )
        for name, rounds in pairs.items()
        if rounds
    ]
