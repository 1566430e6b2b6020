"""Score what a trial predicted, outside its process, and take nothing from it unseen."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.data.ready import Answers
from bench.errors import BenchError
from bench.formatting import one_line
from bench.protocol import DIVERGED, FAILED, OK, Outcome
from bench.records.predictions import LARGEST, TrainedModel, summary_arrays, take_from

if TYPE_CHECKING:
    from bench.task import Array, Examples
    from bench.trial import Trial

#: What an outcome that is ok has to tell, by section.
_TOLD: Mapping[str, tuple[str, ...]] = {
    "metrics": ("best_epoch",),
    "timing": ("build", "fit", "steady_epoch", "predict", "predict_per_1000"),
    "memory": ("peak_rss",),
    "model": ("parameters", "size"),
}
#: Bytes of a file of arrays that are not numbers: headers, and the archive's own.
_AROUND = 4096
_SPLITS = {"validation": "validation_", "test": ""}


def settle(
    outcome: Outcome, trial: Trial, metric: str, file: Path, answers: Answers | None
) -> tuple[Outcome, bytes | None]:
    """Return a trained trial's outcome with its scores, and what is kept of its predictions.

    What the trial itself says of its validation and test scores counts for nothing. What it
    left that is not of the form it has to have makes it a failure. An outcome that is not ok
    keeps no predictions. The model's summary is kept beside these, where a reader of records
    and the index do not meet it.

    Args:
        outcome: What the trial told, checked by type; see ``bench.protocol.decode``.
        trial: The trial.
        metric: The task's metric.
        file: Where it left its predictions; it is gone afterwards.
        answers: What is scored against. None for a worker of an earlier revision, which has
            scored its predictions itself.
    """
    told = dict(outcome.model)
    summary = told.pop("summary", "")
    outcome = replace(outcome, model=told)
    try:
        content = take_from(file, LARGEST if answers is None else _most(answers))
        if outcome.status != OK:
            return (outcome if answers is None else _without_scores(outcome)), None
        if answers is None:
            return outcome, content
        _check_told(outcome)
        return _scored(outcome, trial, metric, content, answers, summary)
    except BenchError as error:
        scoreless = _without_scores(outcome)
        if outcome.status != OK:
            return scoreless, None  # That it left something odd as well adds nothing.
        return replace(scoreless, status=FAILED, reason=str(error)), None


def trained_model(outcome: Outcome, file: str) -> tuple[Outcome, TrainedModel | None]:
    """Return a settled outcome, and the model that its trial left if it was to leave one.

    Why there is none is told in the outcome's environment, as model_not_kept; it fails nothing.
    An outcome that is not ok keeps no model.

    Args:
        outcome: What is kept of the trial; of its model it may tell ``KeptModel.output``.
        file: Where the model lies, which is gone afterwards; "" if none was asked for.
    """
    told, environment = dict(outcome.model), dict(outcome.environment)
    output, reason = told.pop("output", None), environment.pop("model_not_kept", None)
    content = None
    try:
        content = take_from(Path(file), LARGEST, "the model") if file else None
    except BenchError as error:
        reason = str(error)
    kept = replace(outcome, model=told, environment=environment)
    if not file or outcome.status != OK:
        return kept, None
    if content is not None and isinstance(output, Mapping):
        return kept, TrainedModel(content, output)
    told_reason = one_line(str(reason or "the worker left none"), longest=300)
    return replace(kept, environment={**environment, "model_not_kept": told_reason}), None


def _most(answers: Answers) -> int:
    """Return the bytes that a file of predictions has at most; compressed it has fewer."""
    return 4 * answers.width * (len(answers.validation) + len(answers.test)) + 4 * _AROUND


def _without_scores(outcome: Outcome) -> Outcome:
    kept = {name: value for name, value in outcome.metrics.items() if name not in _SPLITS}
    return replace(outcome, metrics=kept)


def _check_told(outcome: Outcome) -> None:
    for section, names in _TOLD.items():
        for name in names:
            if name not in getattr(outcome, section):
                raise BenchError(f"the worker told no {name} in its outcome's {section}")
    for name in _TOLD["model"]:
        if type(outcome.model[name]) is not int or outcome.model[name] < 0:
            raise BenchError(f"the worker told a {name} of its model that is no count")


def _scored(
    outcome: Outcome,
    trial: Trial,
    metric: str,
    content: bytes | None,
    answers: Answers,
    summary: object,
) -> tuple[Outcome, bytes | None]:
    import numpy as np

    from bench.statistics.scores import score, wrong_probabilities
    from bench.worker.sampling import evenly_spread

    if content is None:
        raise BenchError("the worker reported success and left no predictions")
    metrics = dict(_without_scores(outcome).metrics)
    kept: dict[str, Array] = {}
    for name, prefix in _SPLITS.items():
        split: Examples = evenly_spread(getattr(answers, name), trial.scored_examples)
        predictions = _predictions_in(content, f"{prefix}predictions", len(split), answers.width)
        if not np.isfinite(predictions).all():
            reason = f"predictions of the {name} split are not all finite"
            return replace(outcome, status=DIVERGED, reason=reason, metrics=metrics), None
        if answers.are_shares and (wrong := wrong_probabilities(predictions)):
            raise BenchError(f"the worker left {name} predictions that {wrong}")
        value = score(metric, split.targets, predictions)
        scores = {unit: value * factor for unit, factor in answers.units.items()}
        for part, numbers in answers.parts.items():
            outputs = split.targets[:, numbers], predictions[:, numbers]
            scores[f"{metric}_{part}"] = score(metric, *outputs)
        metrics[name] = {metric: value, **scores}
        kept[f"{prefix}predictions"] = predictions
        kept[f"{prefix}targets"] = split.targets
        kept[f"{prefix}groups"] = split.groups
    kept |= summary_arrays(summary)
    return replace(outcome, metrics=metrics), packed(kept)


def packed(arrays: Mapping[str, Any]) -> bytes:
    """Return arrays as the content of a compressed file of NumPy's."""
    import numpy as np

    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def _predictions_in(content: bytes, name: str, examples: int, width: int) -> Array:
    """Return the float32 predictions of a name from a file's content.

    Their shape is (examples,), or (examples, width) of more than one number each.

    Raises:
        BenchError: They are not there, or of another type or number.
    """
    import numpy as np

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            member = archive.getinfo(f"{name}.npy")
            if member.file_size > 4 * width * examples + _AROUND:
                raise BenchError(f"the worker left {name} of more than {examples} examples")
            # A second member of one name would be read in place of the one that was looked at.
            data = archive.read(member)
        array = np.load(io.BytesIO(data), allow_pickle=False)
    except BenchError:
        raise
    except Exception as error:  # A damaged archive can raise anything.
        said = " ".join(str(error).split())[:120] or type(error).__name__
        raise BenchError(f"the worker left no {name} that can be read ({said})") from None
    if not isinstance(array, np.ndarray) or array.dtype != np.float32:
        raise BenchError(f"the worker left {name} that are not of the type float32")
    if array.shape != ((examples,) if width == 1 else (examples, width)):
        each = "one number" if width == 1 else f"{width} numbers"
        raise BenchError(
            f"the worker left {name} of shape {array.shape}, not {each} each of {examples} examples"
        )
    return array
