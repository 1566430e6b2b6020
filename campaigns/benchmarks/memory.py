"""Does peak memory mean one thing: a trial forked, the same spawned, and in a process alone?"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tabulate import tabulate

from bench.metrics import ALL_PAGES, pages_counted
from bench.protocol import OK, Finished, Job
from bench.runs.executor import LocalExecutor
from bench.runs.launch import environment_for

from .start_up import jobs_of, ways

#: How far forked and spawned may be from the process alone, as a share.
WITHIN = 0.05
PLUGINS = ("jena_dense", "jena_gru", "imdb_embedding_dense", "imdb_lstm", "imdb_conv1d")
PROFILE = "quick"
_MIB = 2**20

#: The same training by a Python process without server and keeper, and what the system then
#: says of its largest resident set.
PLAIN = """
import re, sys
from pathlib import Path
from bench.protocol import Job
from bench.worker.train import perform

perform(Job.from_json(Path(sys.argv[1]).read_text("utf-8")), lambda epoch: None)
status = Path("/proc/self/status").read_text("ascii")
print(1024 * int(re.search(r"VmHWM:\\s*(\\d+) kB", status)[1]))
"""


@dataclass(frozen=True)
class Sample:
    """One trial: its peak in bytes, and what of it the trial has not touched."""

    peak: int
    inherited: int


def measure(rounds: int) -> bool:
    """Train each plugin forked, spawned and alone; say whether the peaks agree.

    Of the rounds the least counts: where two cores happen to predict their largest batches at
    the same instant, a trial takes more, however it was started.
    """
    print(
        f"Peak memory in MiB, the least of {rounds} rounds, {PROFILE} profile, synthetic data: a "
        "trial as it is recorded, forked and spawned, and the largest resident set of a plain "
        "Python process that does the same training\n"
    )
    rows, ratios = [], []
    with tempfile.TemporaryDirectory() as folder, ways() as executors:
        for job in jobs_of(PLUGINS, PROFILE, Path(folder)):
            found = {
                name: [_run(executor, job) for _ in range(rounds)]
                for name, executor in executors.items()
            }
            alone = min(_alone(job, Path(folder)) for _ in range(rounds))
            peaks = {name: min(s.peak for s in samples) for name, samples in found.items()}
            ratios += [peak / alone for peak in peaks.values()]
            own = min(sample.peak - sample.inherited for sample in found["fork"])
            rows.append(
                [
                    job.trial.plugin,
                    *(f"{size / _MIB:.0f}" for size in (*peaks.values(), alone)),
                    *(f"{peak / alone:.3f}" for peak in peaks.values()),
                    f"{own / _MIB:.0f}",
                ]
            )
    heads = ["plugin", "forked", "spawned", "plain", "forked / plain", "spawned / plain"]
    print(tabulate(rows, [*heads, "forked, resident alone"], "github", disable_numparse=True))
    return all(abs(ratio - 1) <= WITHIN for ratio in ratios)


def _run(executor: LocalExecutor, job: Job) -> Sample:
    executor.submit(job)
    *_, (_, finished) = executor.events()
    if not isinstance(finished, Finished) or finished.outcome.status != OK:
        raise SystemExit(f"{job.trial} did not end well: {finished}")
    outcome = finished.outcome
    if pages_counted(outcome.environment) != ALL_PAGES:
        raise SystemExit("this system does not tell which pages a forked process has touched")
    return Sample(int(outcome.memory["peak_rss"]), int(outcome.memory.get("inherited") or 0))


def _alone(job: Job, folder: Path) -> int:
    path = folder / "job.json"
    path.write_text(job.to_json(), encoding="utf-8")
    ended = subprocess.run(
        [sys.executable, "-c", PLAIN, str(path)],
        env=environment_for(job.trial.backend),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return int(ended.stdout.split()[-1])
