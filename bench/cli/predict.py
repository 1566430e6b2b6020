"""``python -m bench predict NAME``."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli import options as shared
from bench.cli.export import WhichModel, kept_model, tell, which_model
from bench.cli.words import check_backend
from bench.errors import BenchError

if TYPE_CHECKING:
    from bench.records.record import Record
    from bench.task import Array


@dataclass(frozen=True)
class PredictOptions(WhichModel):
    """All that ``python -m bench predict`` is told; see its help."""

    text: tuple[str, ...]
    at: str
    data: tuple[Path, ...]
    datasets: tuple[Path, ...]
    as_json: bool


@click.command(name="predict")
@click.argument("name")
@click.argument("text", nargs=-1, metavar="[TEXT]...")
@click.option(
    "--at",
    default="",
    metavar="TIME",
    help="When a forecast is made, such as 2016-03-01T12:00.  [default: the end of --data]",
)
@click.option(
    "--data",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Your own series to forecast, in place of the task's; give it again for a file that "
    "continues it.",
)
@which_model
@click.option("--json", "as_json", is_flag=True, help="One JSON document instead of text.")
@shared.datasets
@shared.filled(PredictOptions)
def command(options: PredictOptions) -> int:
    """Ask a model that `run --keep-models` has kept: of a sentence, or for a forecast.

    The question is encoded as the data are that the model was trained on. What of it the model
    does not get is said: words that it does not know, words that were cut. A forecast stands
    beside what was measured, where that is known.

    No code of a model's file is run: one with a Lambda layer, or with a class of its plugin's
    own, is refused.

    Exit status: 0 it is answered; 2 there is no model, it cannot be opened, or the question is
    none that its task answers.
    """
    from bench.data.ready import encode_question
    from bench.registry.project import tasks_of
    from bench.task import Question

    record, content = kept_model(options)
    task = tasks_of(options.datasets).find(record.trial.task)
    question = Question(" ".join(options.text), options.at, options.data)
    encoded = encode_question(task, record.trial, question, tell)
    numbers = _numbers(record, content, encoded.inputs)
    answer = encoded.answer(numbers)
    if options.as_json:
        asked = {"trial": record.identity, "seed": record.trial.seed, "numbers": numbers.tolist()}
        told = {**asked, "question": dict(encoded.told), "answer": dict(answer)}
        click.echo(json.dumps(told, indent=1, ensure_ascii=False))
    else:
        _show(encoded.told)
        _show(answer)
    return 0


def _numbers(record: Record, content: bytes, inputs: Array) -> Array:
    """Return what a kept model gives for one example, shape (outputs,); this imports Keras.

    Raises:
        BenchError: The backend is not installed, or the model cannot be opened or asked.
    """
    assert record.kept_model is not None  # Its content was read.
    backend = record.trial.backend
    check_backend(backend)
    os.environ["KERAS_BACKEND"] = backend
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    name = f"the model of {record.trial}"
    with _without_noise():
        from bench.worker.kept_model import numbers_of

        found = numbers_of(content, record.kept_model.output, inputs, name)
    numbers: Array = found[0].reshape(-1)
    if (numbers != numbers).any():
        raise BenchError(f"{name} gives no number for this")
    return numbers


@contextlib.contextmanager
def _without_noise() -> Iterator[None]:
    """Drop what libraries write to standard error as they start, past Python and past settings."""
    sys.stderr.flush()
    kept, nothing = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nothing, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nothing)


def _show(lines: Mapping[str, str]) -> None:
    for name, said in lines.items():
        click.echo(f"{name}: {said}")
