"""What words of the command line mean: seeds, overrides, data files, backends, parts, places."""

from __future__ import annotations

import ast
import importlib.util
import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import BenchError

if TYPE_CHECKING:
    from bench.plan.plan import Cluster, Shard
    from bench.records.repeats import VerifySample

BACKENDS = ("tensorflow", "jax", "torch")

_WORDS = {"true": True, "false": False, "none": None}


def parse_seeds(text: str) -> tuple[int, ...]:
    """Parse "0,1,2".

    Raises:
        BenchError: A part is no whole number, is out of range, or comes twice.
    """
    seeds: list[int] = []
    for part in text.split(","):
        try:
            seed = int(part)
        except ValueError:
            raise BenchError(
                f"--seeds {text}: {part.strip()!r} is no whole number; give seeds like 0,1,2"
            ) from None
        if seed < 0 or seed >= 2**32:
            raise BenchError(f"--seeds: {seed} is out of range; a seed is from 0 to {2**32 - 1}")
        if seed in seeds:
            raise BenchError(f"--seeds: {seed} is given twice; every repeat needs its own seed")
        seeds.append(seed)
    return tuple(seeds)


def parse_backends(text: str) -> tuple[str, ...]:
    """Parse "tensorflow,jax".

    Raises:
        BenchError: A part is no backend, or comes twice.
    """
    from bench.formatting import nearest

    backends: list[str] = []
    for part in text.split(","):
        name = part.strip()
        if name not in BACKENDS:
            raise BenchError(
                f"--backend {text}: {name!r} is no backend{nearest(name, BACKENDS)}; "
                f"there are: {', '.join(BACKENDS)}"
            )
        if name in backends:
            raise BenchError(f"--backend {text}: {name} is given twice; keep one")
        backends.append(name)
    return tuple(backends)


def parse_overrides(words: Sequence[str]) -> dict[str, Any]:
    """Parse KEY=VALUE words; a value is a Python literal where it reads as one, else a text.

    Texts between commas are ``Several``: what they mean is for the option to say.

    Raises:
        BenchError: A word has no "=", or a key comes twice.
    """
    from bench.registry.training_options import as_stored

    overrides: dict[str, Any] = {}
    for word in words:
        key, equals, text = word.partition("=")
        key = key.strip()
        if not equals or not key:
            raise BenchError(f"--set {word}: write it as KEY=VALUE, like units=64")
        if key in overrides:
            raise BenchError(f"--set {key}: is given twice; keep one")
        overrides[key] = as_stored(key, _value_or_several(text))
    return overrides


def parse_data(words: Sequence[str]) -> dict[str, tuple[Path, ...]]:
    """Parse TASK=PATH words; of several for one task all paths are meant, in this order.

    Raises:
        BenchError: A word has no "=", or came before.
    """
    paths: dict[str, tuple[Path, ...]] = {}
    for word in words:
        name, equals, path = word.partition("=")
        if not equals or not path:
            raise BenchError(f"--data {word}: write it as TASK=PATH, like jena=weather.csv")
        own = Path(path).expanduser()  # The shell expands no ~ behind a "=".
        if own in paths.get(name, ()):
            raise BenchError(f"--data {word}: is given twice; keep one")
        paths[name] = (*paths.get(name, ()), own)
    return paths


def parse_verify(text: str | None) -> VerifySample | None:
    """Parse what stands behind --verify: nothing, or a number of trials.

    Args:
        text: None if the option was not given, "" if it was given alone.

    Raises:
        BenchError: It is no whole number from 1.
    """
    from bench.records.repeats import VerifySample

    if not text:
        return None if text is None else VerifySample()
    if not re.fullmatch("0*[1-9][0-9]{0,8}", text):
        raise BenchError(
            f"--verify {text}: is no number of trials; give one from 1, or --verify alone, "
            "behind the names, for one trial of each plugin"
        )
    return VerifySample(int(text))


def parse_shard(text: str | None) -> Shard | None:
    """Parse "3/16".

    Raises:
        BenchError: It is no part of a whole.
    """
    from bench.plan.plan import Shard

    if text is None:
        return None
    found = re.fullmatch("([0-9]{1,6})/([0-9]{1,6})", text.strip())
    number, count = map(int, found.groups()) if found else (0, 0)
    if not 1 <= number <= count:
        raise BenchError(
            f"--shard {text}: is no part of a plan; the third of sixteen is 3/16, "
            "and they go from 1/16 to 16/16"
        )
    return Shard(number, count)


def parse_on(text: str | None) -> Cluster | None:
    """Parse "dask://ADDRESS", "slurm" or "local:N".

    Raises:
        BenchError: It is none of them.
    """
    from bench.plan.plan import Cluster

    if text is None:
        return None
    kind, colon, rest = text.strip().partition(":")
    address = rest.removeprefix("//").rstrip("/")
    if text.strip() == "slurm":
        return Cluster(text, "slurm")
    if kind == "dask" and rest.startswith("//") and address:
        return Cluster(text, "dask", address if "://" in address else f"tcp://{address}")
    if kind == "local" and re.fullmatch("[1-9][0-9]{0,3}", rest):
        return Cluster(text, "local", workers=int(rest))
    from bench.formatting import nearest

    known = ("dask://ADDRESS", "slurm", "local:N")
    hint = "" if colon else nearest(text, ("slurm", "local", "dask"))
    raise BenchError(f"--on {text}: is nowhere{hint}; give one of {', '.join(known)}")


def check_backend(backend: str) -> None:
    """Refuse a backend that is not installed.

    Raises:
        BenchError: Says how to install it.
    """
    if importlib.util.find_spec(backend) is None:
        raise BenchError(
            f"--backend {backend}: {backend} is not installed; install it with "
            f"`pip install {backend}`"
        )


def _value_or_several(text: str) -> Any:
    whole = _value(text)
    parts = _parts(text) if isinstance(whole, str) and whole == text else [text]
    if len(parts) == 1:
        return whole
    from bench.values import Several

    return Several(text, tuple(_value(part.strip()) for part in parts))


def _parts(text: str) -> list[str]:
    """Split a text at its commas; not at those in brackets or quotation marks."""
    parts, depth, quoted = [""], 0, ""
    for character in text:
        if quoted:
            quoted = "" if character == quoted else quoted
        elif character in "\"'":
            quoted = character
        elif character in "([{":
            depth += 1
        elif character in ")]}":
            depth -= 1
        elif character == "," and depth == 0:
            parts.append("")
            continue
        parts[-1] += character
    return parts if depth == 0 and not quoted else [text]


def _value(text: str) -> Any:
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    try:
        with warnings.catch_warnings():
            # What the parser doubts ("1if", "\\d") is a text, and no business of the user's.
            warnings.simplefilter("error")
            return ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError, Warning):
        return text
