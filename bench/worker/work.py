"""What happens in a trial's own process: the job is done, and its outcome sent."""

from __future__ import annotations

import contextlib
import io
import os
import sys
import traceback
from collections.abc import Callable

from bench.errors import BenchError, CannotRun
from bench.protocol import (
    FAILED,
    MEASURE,
    OUT_OF_MEMORY,
    PREPARE,
    SKIPPED,
    TEST,
    TRAIN,
    Job,
    Message,
    Outcome,
    WorkerReady,
    encode,
)
from bench.worker.libraries import import_keras
from bench.worker.origin import end_unless
from bench.worker.plugin import reason_of, told_of

#: Frames that telling of an error needs, however few a plugin has left.
_DEPTH = 1000


def work(line: str) -> None:
    """Do the job that a line describes; the outcome is the last message.

    Messages leave on what was standard output; whatever a plugin or a library prints goes
    to standard error, which the runner keeps as the trial's log.
    """
    trial = os.getpid()
    channel = os.dup(1)
    os.dup2(2, 1)
    if isinstance(sys.stdout, io.TextIOWrapper):
        # What a plugin printed before it hung or died tells most.
        sys.stdout.reconfigure(line_buffering=True)

    def send(message: Message) -> None:
        end_unless(trial)
        # A plugin may have left half a line of its own in the channel.
        content = b"\n" + encode(message).encode()
        while content:
            content = content[os.write(channel, content) :]

    send(outcome_of(Job.from_json(line), send))
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()


def outcome_of(job: Job, send: Callable[[Message], None]) -> Outcome:
    """Do a job; whatever it raises becomes an outcome with a one-line reason."""
    try:
        if job.kind != PREPARE:
            import_keras()
        if job.kind == TEST:
            from bench.worker.contract import hold_to_contract

            send(WorkerReady())
            return hold_to_contract(job, send)
        if job.kind == MEASURE:
            from bench.worker.rounds import measure

            send(WorkerReady())
            return measure(job, send)
        if job.kind == PREPARE:
            from bench.worker.prepare import prepare_data

            send(WorkerReady())
            return prepare_data(job, send)
        if job.kind != TRAIN:
            raise BenchError(f"this version of the suite knows no job {job.kind!r}")
        from bench.worker.train import perform

        send(WorkerReady())
        return perform(job, send)
    except CannotRun as error:
        return Outcome(SKIPPED, str(error))
    except MemoryError:
        return Outcome(OUT_OF_MEMORY, "an allocation failed")
    except BenchError as error:
        return Outcome(FAILED, told_of(error, job.plugin_path))
    except BaseException as error:
        # sys.exit and KeyboardInterrupt too: from a plugin they are errors like others.
        sys.setrecursionlimit(max(_DEPTH, sys.getrecursionlimit()))
        with contextlib.suppress(Exception):
            traceback.print_exc()
        return Outcome(FAILED, reason_of(error, job.plugin_path, job.task_path))
