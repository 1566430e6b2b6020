"""``python -m bench.worker``: read a job, do it, say how it went.

The job comes as JSON on standard input. Messages leave on what was standard output;
whatever a plugin or a library prints goes to standard error, which the runner keeps
as the trial's log.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from bench.errors import BenchError, CannotRun
from bench.job import TEST, Job, Message, encode
from bench.record import FAILED, OUT_OF_MEMORY, SKIPPED, Outcome


def main() -> None:
    """Do the job on standard input; the outcome is the last message."""
    channel = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)

    def send(message: Message) -> None:
        channel.write(encode(message))
        channel.flush()

    send(outcome_of(Job.from_json(sys.stdin.read()), send))


def outcome_of(job: Job, send: Callable[[Message], None]) -> Outcome:
    """Do a job; whatever it raises becomes an outcome with a one-line reason."""
    try:
        if job.kind == TEST:
            from bench.worker.contract import hold_to_contract

            return hold_to_contract(job, send)
        from bench.worker.perform import perform

        return perform(job, send)
    except CannotRun as error:
        return Outcome(SKIPPED, str(error))
    except MemoryError:
        return Outcome(OUT_OF_MEMORY, "an allocation failed")
    except BenchError as error:
        return Outcome(FAILED, f"{Path(job.plugin_path).name}: {error}")
    except Exception as error:
        traceback.print_exc()
        return Outcome(FAILED, _reason(error, job.plugin_path))


def _reason(error: Exception, plugin_path: str) -> str:
    """Return the error on one line, with the plugin's line that led to it."""
    text = " ".join(str(error).split())
    if len(text) > 300:
        text = text[:297] + "..."
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename == plugin_path
    ]
    where = f"{Path(plugin_path).name}:{lines[-1]}: " if lines else ""
    return f"{where}{type(error).__name__}: {text}"


if __name__ == "__main__":
    main()
