"""Make the records and baselines of the golden test, from nothing but fixed numbers.

    python tests/golden/make.py

writes the folders ``results``, ``before-and-after`` and ``history`` beside this file again.
Nothing of the suite is imported: the forms on disk are written out here once more, so that a
suite which writes other forms by mistake meets files that it has not written itself.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import shutil
import zlib
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
BEGIN = datetime(2026, 3, 2, 8, 0, 5, 678901, tzinfo=timezone.utc)
MACHINE = {
    "system": "Linux 6.1",
    "architecture": "x86_64",
    "processor": "Example CPU @ 3.00GHz",
    "cores": 2,
    "memory": 8 * 1024**3,
}
OTHER_MACHINE = {**MACHINE, "processor": "Another CPU @ 2.00GHz", "cores": 64}
VERSIONS = {"keras": "3.15.1", "numpy": "2.4.6", "tensorflow": "2.21.0"}
JAX = {"keras": "3.15.1", "numpy": "2.4.6", "jax": "0.9.1"}

#: By task, all that its records have in common.
TASKS: dict[str, dict[str, Any]] = {
    "jena": {
        "view": {"lookback": 1440, "step": 6, "reverse": False, "columns": None},
        "training": {"epochs": 4, "steps_per_epoch": 60, "batch_size": 128},
        "source": "local",
        "fingerprint": "sha256:b3f13e48694038492e2a8294e7a53a3afe096b5ed292b058b7ab7053e13534c4",
        "why": "jena_hourly_2009_2016.csv found in the data folder; official data not found",
        "files": ["jena_hourly_2009_2016.csv"],
        "metric": {
            "name": "mae",
            "direction": "min",
            "baseline": "jena_naive",
            "units": {"mae": "std of T", "mae_degC": "°C"},
            "groups": "days",
        },
    },
    "imdb": {
        "view": {"num_words": 10000, "maxlen": 500, "encoding": "ranks"},
        "training": {"epochs": 4, "steps_per_epoch": 60, "batch_size": 128},
        "source": "official",
        "fingerprint": "sha256:69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f",
        "why": "imdb.npz of Keras, in the cache",
        "files": ["imdb.npz"],
        "metric": {
            "name": "accuracy",
            "direction": "max",
            "baseline": "imdb_onehot",
            "units": {"accuracy": "share of reviews"},
            "groups": "reviews",
        },
    },
}
#: How many examples each split has: three for each of fifty days, and as many reviews.
EXAMPLES = 150
DEGREES = 8.847241210332669


def random(*told: object) -> np.random.Generator:
    """Return a generator that whoever asks with the same words gets again."""
    return np.random.default_rng(zlib.crc32(repr(told).encode()))


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


# Predictions


def split(task: str, name: str, plugin: str, level: float, code: str, seed: int) -> dict[str, Any]:
    """Make targets, predictions and groups of one split.

    Every plugin finds the same examples difficult; what a seed makes of them is its own.
    ``level`` is about the metric.
    """
    common, own = random(task, name), random(task, name, plugin, code, seed)
    if task == "jena":
        groups = np.arange(EXAMPLES) // 3
        targets = common.standard_normal(EXAMPLES)
        days = np.exp(0.3 * common.standard_normal(EXAMPLES // 3))[groups]
        errors = level * days * np.exp(0.2 * own.standard_normal(EXAMPLES))
        predictions = targets + errors * np.where(own.random(EXAMPLES) < 0.5, -1, 1)
    else:
        groups = np.arange(EXAMPLES)
        targets = common.integers(0, 2, EXAMPLES).astype("float64")
        difficulty = common.random(EXAMPLES)
        is_right = difficulty + 0.06 * own.standard_normal(EXAMPLES) < level
        sure = 0.5 + 0.49 * own.random(EXAMPLES)
        predictions = np.where(is_right == (targets > 0.5), sure, 1 - sure)
    return {
        "predictions": predictions.astype("float32"),
        "targets": targets.astype("float32"),
        "groups": groups.astype("int32"),
    }


def scores(task: str, arrays: dict[str, Any]) -> dict[str, float]:
    predictions, targets = (arrays[n].astype("float64") for n in ("predictions", "targets"))
    if task == "imdb":
        return {"accuracy": float(np.mean((predictions > 0.5) == (targets > 0.5)))}
    error = float(np.mean(np.abs(targets - predictions)))
    return {"mae": error, "mae_degC": error * DEGREES}


def packed(test: dict[str, Any], validation: dict[str, Any]) -> bytes:
    content = io.BytesIO()
    named = {f"validation_{name}": array for name, array in validation.items()}
    np.savez_compressed(content, **test, **named)
    return content.getvalue()


# Records


def identity(trial: dict[str, Any]) -> str:
    """Digest over all that can change a result: the trial without what is only a label."""
    content = {name: value for name, value in trial.items() if name != "overrides"}
    return sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode())


def sealed(document: dict[str, Any]) -> str:
    text = json.dumps(document, indent=1)
    return text.replace("{\n", f'{{\n "digest": "{sha256(text.encode())}",\n', 1) + "\n"


class Results:
    """A results folder that is filled in the order of time: a record every seven minutes."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.now = BEGIN

    def add(
        self,
        plugin: str,
        level: float = 0.0,
        seed: int = 0,
        *,
        status: str = "ok",
        reason: str = "",
        log: str = "",
        profile: str = "quick",
        backend: str = "tensorflow",
        code: str = "as it is",
        overrides: dict[str, Any] | None = None,
        hyperparameters: dict[str, Any] | None = None,
        reference: dict[str, float] | None = None,
        epoch: float = 2.0,
        parameters: int = 4673,
        peak: int = 900,
        others_cpu: float = 0.02,
        machine: dict[str, Any] = MACHINE,
        repeat: dict[str, Any] | None = None,
        again: str = "",
        cache: bool = False,
    ) -> str:
        """Write a record and its predictions; return when it was finished.

        ``code`` tells one version of a plugin from another; ``again`` makes a trial train
        to another result than before.
        """
        task = plugin.partition("_")[0]
        common = TASKS[task]
        noise = random(plugin, seed, profile, backend, code, again, self.now)
        epochs = 20 if profile == "full" else 4
        if epoch == 0:
            epochs = 0
        trial = {
            "task": task,
            "task_version": 1,
            "plugin": plugin,
            "plugin_sha256": sha256(f"{plugin} {code}".encode()),
            "hyperparameters": {**(hyperparameters or {"units": 32}), **(overrides or {})},
            "view": common["view"],
            "training": {**common["training"], "epochs": epochs},
            "scored_examples": None if profile == "full" else EXAMPLES,
            "source": common["source"],
            "fingerprint": common["fingerprint"],
            "profile": profile,
            "seed": seed,
            "backend": backend,
            "versions": JAX if backend == "jax" else VERSIONS,
            "harness_version": 1,
            "overrides": overrides or {},
        }
        stem = f"{self.now:%Y%m%dT%H%M%S.%f}Z-{identity(trial)[:12]}"
        metrics: dict[str, Any] = {}
        timing: dict[str, Any] = {"start": 2.1, "total": round(3 + 2 * noise.random(), 6)}
        memory: dict[str, Any] = {}
        model: dict[str, Any] = {}
        predictions = None
        folder = self.root / task / plugin
        folder.mkdir(parents=True, exist_ok=True)
        if status == "ok":
            words = (f"{plugin} {overrides} {profile} {backend} {again}", level, code)
            drawn = 0 if epoch == 0 else seed
            validation, test = (split(task, name, *words, drawn) for name in ("validation", "test"))
            content = packed(test, validation)
            (folder / f"{stem}.npz").write_bytes(content)
            predictions = {"file": f"{stem}.npz", "bytes": len(content), "sha256": sha256(content)}
            metrics, timing = self._learnt(task, validation, test, epochs, epoch, noise)
            memory = {"peak_rss": (peak * 1024 + int(noise.integers(0, 4096))) * 1024}
            model = {"parameters": parameters, "size": 4 * parameters}
        compilation: dict[str, Any] = {"jit_compile": False, "deterministic_ops": True}
        if cache:
            compilation["cache"] = {"hits": 3, "misses": 0}
        readings = (0.002 * (1 + 0.02 * noise.random()) for _ in range(2))
        document = {
            "identity": identity(trial),
            # Of trials from before a task's source was kept, so that identities stay.
            "trial": {**trial, "task_sha256": ""},
            "status": status,
            "reason": reason,
            "finished": self.now.isoformat(),
            "metrics": metrics,
            "timing": timing,
            "memory": memory,
            "model": model,
            "data": {
                **{name: common[name] for name in ("source", "fingerprint", "why", "files")},
                "meta": {},
                "metric": common["metric"],
            },
            "environment": {
                "machine": machine,
                "suite": "0.1.0",
                "commit": "0123456789ab",
                "dirty": code == "as it was",
                "command": f"python -m bench run --all --profile {profile} --seeds 0,1,2",
                "python": "3.11.9",
                "threads": 2,
                "device": "cpu",
                "compilation": compilation,
                "load": 1.0,
                "shared": False,
                "contention": {
                    **dict(zip(("reference_before", "reference_after"), readings, strict=True)),
                    "others_cpu": others_cpu,
                },
                "start": "fork" if repeat else "spawn",
            },
            "reference": reference or {},
            "predictions": predictions,
            "log": log,
            "repeat": repeat,
            "kept_model": None,
            "schema_version": 5,
        }
        (folder / f"{stem}.json").write_text(sealed(document), encoding="utf-8", newline="\n")
        self.now += timedelta(minutes=7)
        return str(document["finished"])

    def _learnt(
        self,
        task: str,
        validation: dict[str, Any],
        test: dict[str, Any],
        epochs: int,
        epoch: float,
        noise: np.random.Generator,
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the sections metrics and timing of a training."""
        metric = TASKS[task]["metric"]["name"]
        best = scores(task, validation)
        worse = 1 + 0.3 * np.exp(-np.arange(epochs)) + 0.01 * noise.random(epochs)
        best_epoch = max(1, epochs - 1) if epochs else 0
        curve = [round(best[metric] * (w if task == "jena" else 1 / w), 6) for w in worse]
        if epochs:
            curve[best_epoch - 1] = best[metric]
        seconds = [round(epoch * (1 + 0.03 * noise.random()), 6) for _ in range(epochs)]
        if seconds:
            seconds[0] += 1.5
        elapsed = [round(sum(seconds[: n + 1]) + 0.1 * epoch * (n + 1), 6) for n in range(epochs)]
        metrics = {
            "best_epoch": best_epoch,
            "curves": {
                f"train_{metric}": [round(value * 0.98, 6) for value in curve],
                f"validation_{metric}": curve,
                "epoch_seconds": seconds,
                "elapsed_seconds": elapsed,
            },
            "validation": best,
            "test": scores(task, test),
        }
        fit = elapsed[-1] if elapsed else 0.0
        predict = round(0.03 * (1 + epoch) * (1 + 0.05 * noise.random()), 6)
        timing = {
            "start": round(2 + 0.2 * noise.random(), 6),
            "build": round(0.1 + 0.01 * noise.random(), 6),
            "compile": round(1.5 + 0.1 * noise.random(), 6) if epochs else 0.0,
            "first_epoch": seconds[0] if seconds else 0.0,
            "steady_epoch": sorted(seconds[1:])[len(seconds[1:]) // 2] if seconds else 0.0,
            "fit": fit,
            "predict": predict,
            "predict_per_1000": round(predict / EXAMPLES * 1000, 6),
            "total": round(fit + 4, 6),
        }
        return metrics, timing


def repeat_of(first: str, verdict: str | None, largest: float | None) -> dict[str, Any]:
    """Describe a trial that was trained again to be compared."""
    settings = {
        "jit_compile": False,
        "deterministic_ops": True,
        "threads": 2,
        "device": "cpu",
        "start": {"first": "spawn", "repeat": "fork"},
        "processor": MACHINE["processor"],
        "python": "3.11.9",
    }
    return {"of": first, "verdict": verdict, "largest": largest, "settings": settings}


def fill(results: Results) -> None:
    """Write every record: each kind of thing that can become of a trial is there once."""
    naive = {"epoch": 0.0, "parameters": 0, "peak": 500, "hyperparameters": {}}
    published = {
        "jena_naive": {"val_mae": 0.28974, "val_mae_degC": 2.57},
        "jena_gru": {"val_mae": 0.2635},
        "jena_conv1d": {"val_mae": 0.4},
        "imdb_lstm8": {"val_accuracy": 0.7852},
        "imdb_onehot": {"test_accuracy": 0.88},
    }
    refer = {name: {"reference": figures} for name, figures in published.items()}
    seeds = range(3)

    # An older version of a plugin's source, better than the one of today.
    results.add("jena_gru", 0.22, code="as it was", **refer["jena_gru"])

    for seed in seeds:
        results.add("jena_naive", 0.29, seed, **naive, **refer["jena_naive"])
    first = [results.add("jena_gru", 0.26, seed, **refer["jena_gru"]) for seed in seeds]
    for seed in seeds:
        results.add(
            "jena_gru", 0.26, seed, backend="jax", epoch=1.2, cache=seed == 2, **refer["jena_gru"]
        )
    results.add(
        "jena_gru", 0.25, overrides={"units": 64}, epoch=3.1, parameters=15_000, **refer["jena_gru"]
    )
    # Beside another program on seed 1; and seed 2 has diverged.
    results.add("jena_dense", 0.275, 0, epoch=0.5, parameters=46_145)
    results.add("jena_dense", 0.275, 1, epoch=0.9, parameters=46_145, others_cpu=0.45)
    results.add(
        "jena_dense",
        seed=2,
        epoch=0.5,
        status="diverged",
        reason="the loss was not a number in epoch 2",
    )
    # All of its times are disturbed.
    for seed in seeds:
        results.add("jena_conv1d", 0.36, seed, epoch=1.7, others_cpu=0.61, **refer["jena_conv1d"])
    results.add("jena_ridge", status="skipped", reason="needs sklearn, not installed here")
    for seed in (0, 1):
        results.add(
            "jena_slow",
            seed=seed,
            status="timeout",
            reason="not done after 600 s",
            log="epoch 1\nepoch 2\n",
        )
    results.add(
        "jena_broken",
        status="failed",
        log="Traceback: | `yet`\n<b>no model</b>\n",
        reason="jena_broken.py:8: ValueError: no model of 4 units | `yet` <b>&</b>",
    )
    # Two trials again, as `run --verify` does; and one more, which came to nothing.
    results.add(
        "jena_gru", 0.26, 0, repeat=repeat_of(first[0], "bit-identical", 0.0), **refer["jena_gru"]
    )
    results.add(
        "jena_gru",
        0.26,
        1,
        repeat=repeat_of(first[1], "different", 0.0123),
        again="yes",
        **refer["jena_gru"],
    )
    results.add(
        "jena_gru",
        0.26,
        2,
        status="timeout",
        reason="not done after 600 s",
        repeat=repeat_of(first[2], None, None),
        **refer["jena_gru"],
    )

    full = {"profile": "full"}
    for seed in seeds:
        results.add("jena_naive", 0.285, seed, **naive, **full, **refer["jena_naive"])
        results.add("jena_gru", 0.255, seed, **full, **refer["jena_gru"])
    results.add(
        "jena_conv1d", 0.33, epoch=1.7, machine=OTHER_MACHINE, **full, **refer["jena_conv1d"]
    )

    for seed in seeds:
        results.add(
            "imdb_onehot", 0.87, seed, epoch=0.4, parameters=160_305, **refer["imdb_onehot"]
        )
        results.add("imdb_lstm8", 0.78, seed, epoch=5.0, parameters=8_809, **refer["imdb_lstm8"])
        results.add("imdb_attention", 0.88, seed, epoch=8.0, parameters=324_258, peak=1500)
    results.add("imdb_attention", 0.88, backend="jax", epoch=8.1, parameters=324_258, peak=1400)
    results.add("imdb_glove_200", status="skipped", reason="needs glove.6B.100d.txt, not found")
    results.add("imdb_gone", status="crashed", reason="killed by signal 11", log="Fatal error\n")
    for seed in seeds:
        results.add(
            "imdb_onehot", 0.88, seed, epoch=0.4, parameters=160_305, **full, **refer["imdb_onehot"]
        )
        results.add(
            "imdb_lstm8", 0.74, seed, epoch=5.0, parameters=8_809, **full, **refer["imdb_lstm8"]
        )
    results.add(
        "imdb_transformer",
        profile="full",
        status="out_of_memory",
        reason="the machine's memory was full",
    )


# Baselines


def rounds(seconds: float, *told: object, noise: float = 0.01) -> list[list[float]]:
    """Make eight processes of five rounds."""
    drawn = random(*told)
    logs = noise * drawn.standard_normal((8, 1)) + 0.3 * noise * drawn.standard_normal((8, 5))
    return [[float(f"{value:.6g}") for value in row] for row in seconds * np.exp(logs)]


def quality(task: str, level: float, *told: object, seeds: int = 3) -> dict[str, Any]:
    metric = TASKS[task]["metric"]
    common = random(task).standard_normal(50)
    found = []
    for seed in range(seeds):
        drawn = random(task, level, seed, *told)
        errors = 0.2 * common + 0.02 * drawn.standard_normal(50)
        influences = ((errors - errors.mean()) / 50).astype("<f4")
        found.append(
            {
                "seed": seed,
                "value": round(level + 0.0005 * float(drawn.standard_normal()), 9),
                "digest": sha256(influences.tobytes()),
                "influences": base64.b64encode(zlib.compress(influences.tobytes())).decode(),
            }
        )
    return {
        "metric": metric["name"],
        "direction": metric["direction"],
        "examples": "the same",
        "independent": task == "imdb",
        "groups": 50,
        "seeds": found,
    }


def measured(label: str, **changes: Any) -> dict[str, Any]:
    return {
        "task": label.partition("_")[0],
        "label": label,
        "source": "synthetic",
        "profile": "quick",
        "backend": "tensorflow",
        "status": "ok",
        "reason": "",
        "data": "f00d",
        "settings": {"versions": VERSIONS, "python": "3.11.9", "threads": 2, "device": "cpu"},
        "parameters": 4673,
        "disturbed": "",
        "rounds": {},
        "quality": None,
        **changes,
    }


def side(commit: str, day: int, *plugins: dict[str, Any]) -> str:
    written = BEGIN + timedelta(days=day)
    document = {
        "schema_version": 1,
        "commit": commit,
        "written": written.isoformat(),
        "machine": MACHINE,
        "plugins": sorted(plugins, key=lambda each: (each["task"], each["label"])),
    }
    return json.dumps(document, indent=1) + "\n"


def before() -> str:
    return side(
        "0123456789ab",
        0,
        measured(
            "jena_gru",
            quality=quality("jena", 0.26),
            rounds={
                "train_step": rounds(0.02, "gru"),
                "predict": rounds(0.4, "gru", "predict"),
                "start_up": rounds(2.5, "gru", "start", noise=0.02),
                "compile": rounds(1.5, "gru", "compile", noise=0.02),
                "peak_memory": [[900e6]] * 8,
            },
        ),
        measured(
            "jena_dense",
            quality=quality("jena", 0.28),
            rounds={"train_step": rounds(0.004, "dense")},
        ),
        measured(
            "jena_lstm",
            quality=quality("jena", 0.27, seeds=1),
            disturbed="others used 45%",
            rounds={"train_step": rounds(0.03, "lstm")},
        ),
        measured("jena_naive", quality=quality("jena", 0.29), parameters=0),
        measured("jena_gone"),
        measured(
            "imdb_onehot",
            quality=quality("imdb", 0.87),
            rounds={"train_step": rounds(0.006, "onehot")},
        ),
        measured("imdb_lstm8"),
        measured("imdb_attention", data="beef"),
        measured("imdb_glove_200", status="skipped", reason="needs glove.6B.100d.txt"),
    )


def after() -> str:
    return side(
        "ba9876543210",
        3,
        measured(
            "jena_gru",
            quality=quality("jena", 0.26, "changed"),
            parameters=5000,
            rounds={
                "train_step": rounds(0.022, "gru later"),
                "predict": rounds(0.3, "gru later", "predict"),
                "start_up": rounds(2.5, "gru later", "start", noise=0.02),
                "compile": rounds(1.9, "gru later", "compile", noise=0.02),
                "peak_memory": [[800e6]] * 8,
            },
        ),
        measured(
            "jena_dense",
            quality=quality("jena", 0.31),
            rounds={"train_step": rounds(0.004, "dense later")},
            settings={
                "versions": {**VERSIONS, "keras": "3.16.0"},
                "python": "3.12.1",
                "threads": 4,
                "device": "cpu",
            },
        ),
        measured(
            "jena_lstm",
            quality=quality("jena", 0.275, seeds=1),
            rounds={"train_step": rounds(0.03, "lstm later")},
        ),
        measured("jena_naive", quality=quality("jena", 0.29), parameters=0),
        measured("jena_new", quality=quality("jena", 0.25)),
        measured(
            "imdb_onehot",
            quality=quality("imdb", 0.89),
            rounds={"train_step": rounds(0.006, "onehot later")},
        ),
        measured(
            "imdb_lstm8",
            status="failed",
            parameters=None,
            reason="imdb_lstm8.py:27: ValueError: no | `model` <yet> & 100% more",
        ),
        measured("imdb_attention", data="f00d"),
        measured("imdb_glove_200", status="skipped", reason="needs glove.6B.100d.txt"),
    )


def history(day: int) -> str:
    """Make the baseline of a day: from the ninth on a step takes a tenth longer."""
    seconds = 0.02 * (1.1 if day >= 8 else 1)
    accuracy = 0.85 + (0.02 if day >= 6 else 0)
    return side(
        f"{day + 1:02}" * 6,
        day,
        measured(
            "jena_gru",
            quality=quality("jena", 0.26, day, seeds=2),
            rounds={"train_step": rounds(seconds, "history", day)[:3]},
        ),
        measured(
            "imdb_onehot",
            quality=quality("imdb", accuracy, day, seeds=2),
            rounds={"train_step": rounds(0.006, "history", "imdb", day)[:3]},
        ),
    )


def main() -> None:
    for name in ("results", "before-and-after", "history"):
        shutil.rmtree(HERE / name, ignore_errors=True)
        (HERE / name).mkdir()
    fill(Results(HERE / "results"))
    baselines = {"before-and-after/before": before(), "before-and-after/after": after()}
    baselines |= {f"history/{day:02}": history(day) for day in range(14)}
    for name, text in baselines.items():
        (HERE / f"{name}.json").write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
