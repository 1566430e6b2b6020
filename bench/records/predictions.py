"""The files beside a record, predictions and model: how they are described, and read back."""

from __future__ import annotations

import contextlib
import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import BenchError
from bench.files import read_bounded

if TYPE_CHECKING:
    from bench.task import Array

LARGEST = 1 << 28
#: Squares of these still fit float64, and themselves float32.
_LARGEST_NUMBER = 1e30
#: The arrays that are read, of shape (examples,) or, but for groups, (examples, numbers of each);
#: others may lie beside them.
_LISTS = frozenset(
    f"{split}{name}"
    for split in ("", "validation_")
    for name in ("predictions", "targets", "groups")
)


@dataclass(frozen=True)
class Predictions:
    """A file's name, and its content by size and SHA-256; the first schema knew neither."""

    file: str
    bytes: int | None
    sha256: str | None


@dataclass(frozen=True)
class KeptModel:
    """The file of a trial's model, its content, and what the numbers of its output mean.

    The model is that of the best epoch, saved by Keras. ``output`` has the fields of
    ``bench.worker.outputs.Output``.
    """

    file: str
    bytes: int
    sha256: str
    output: Mapping[str, Any]


@dataclass(frozen=True)
class TrainedModel:
    """A model as its trial has left it: the content of its file, and ``KeptModel.output``."""

    content: bytes
    output: Mapping[str, Any]

    def described(self, name: str) -> KeptModel:
        """Return what a record says of it."""
        found = describe(name, self.content)
        return KeptModel(name, len(self.content), str(found.sha256), self.output)


def describe(name: str, content: bytes) -> Predictions:
    """Return what a record says of its predictions."""
    return Predictions(name, len(content), hashlib.sha256(content).hexdigest())


def take_from(path: Path, largest: int = LARGEST, what: str = "predictions") -> bytes | None:
    """Return what a worker has left in a file, which is then gone; None if there is none.

    Raises:
        BenchError: It is a link, no regular file, or has more than ``largest`` bytes.
    """
    try:
        return read_bounded(path, largest, own=True)
    except FileNotFoundError:
        return None
    except (BenchError, OSError) as error:
        said = error.strerror if isinstance(error, OSError) else str(error)
        raise BenchError(f"the file of {what} that the worker left {said}") from None
    finally:
        # A folder is left to whoever removes the one that it is in.
        with contextlib.suppress(OSError):
            path.unlink()


def load(folder: Path, expected: Predictions) -> dict[str, Array]:
    """Return the arrays of a file of predictions by name; no pickle in it is opened.

    Raises:
        BenchError: It is gone, damaged, not the file that the record was written with, or
            has something else where numbers belong.
    """
    path = folder / expected.file
    arrays = unpack(path, content_of(folder, expected))
    for name, array in arrays.items():
        if name in _LISTS and (reason := _no_list(array, may_be_table=not name.endswith("groups"))):
            raise _unusable(path, f"has {name} that {reason}")
    return arrays


def content_of(folder: Path, expected: Predictions | KeptModel) -> bytes:
    """Return the content of a file beside a record, which is that of the record.

    Raises:
        BenchError: It is gone, or not the file that the record was written with.
    """
    path = folder / expected.file
    try:
        content = read_bounded(path, LARGEST)
    except BenchError as error:
        raise _unusable(path, str(error)) from None
    except OSError as error:
        raise _unusable(path, f"cannot be read ({error.strerror or error})") from None
    if expected.bytes is not None and len(content) != expected.bytes:
        raise _unusable(path, f"has {len(content):,} bytes where {expected.bytes:,} were written")
    if expected.sha256 is not None and hashlib.sha256(content).hexdigest() != expected.sha256:
        raise _unusable(path, "is not the file that the record was written with")
    return content


def _no_list(array: Array, may_be_table: bool) -> str:
    """Return why an array is no list of numbers that can be computed with; NaN is one."""
    import numpy as np

    has_columns = may_be_table and array.ndim == 2 and array.shape[1] > 0
    if not (array.ndim == 1 or has_columns) or array.dtype.kind not in "biuf":
        return f"are no list of numbers but of shape {array.shape} and type {array.dtype.str:.20}"
    beyond = array.dtype.kind == "f" and (np.abs(array.astype("float64")) > _LARGEST_NUMBER).any()
    return f"go beyond {_LARGEST_NUMBER:g}" if beyond else ""


def unpack(path: Path, content: bytes) -> dict[str, Array]:
    """Return the arrays of a file's content by name; no pickle in it is opened.

    Raises:
        BenchError: It is no archive of arrays, or unpacks to more than ``LARGEST``; the
            file is called ``path``.
    """
    import zipfile

    import numpy as np

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
        if unpacked > LARGEST:
            raise _unusable(path, f"unpacks to {unpacked:,} bytes, more than {LARGEST:,}")
        with np.load(io.BytesIO(content), allow_pickle=False) as opened:
            arrays = dict(opened)
        # A member that does not begin like an array is given as its bytes.
        if strange := [name for name, array in arrays.items() if not isinstance(array, np.ndarray)]:
            raise _unusable(path, f"has {strange[0]!r:.40} that is no array")
        return arrays
    except BenchError:
        raise
    except Exception as error:  # A damaged archive can raise anything.
        said = " ".join(str(error).split())[:120] or type(error).__name__
        raise _unusable(path, f"cannot be opened ({said})") from None


_SUMMARY = "model_summary"
#: Bytes of a summary; a worker tells one of at most ten thousand characters.
_LONGEST_SUMMARY = 40_000


def summary_arrays(summary: object) -> dict[str, Array]:
    """Return a model's summary as what can lie beside predictions: bytes of UTF-8, by its name.

    There is nothing of an empty one, or of what is no text.
    """
    import numpy as np

    if not isinstance(summary, str) or not summary.strip():
        return {}
    return {_SUMMARY: np.frombuffer(summary.encode(errors="replace"), dtype="uint8")}


def summary_in(arrays: Mapping[str, Array]) -> str:
    """Return the model's summary that lies beside predictions, "" where there is none."""
    found = arrays.get(_SUMMARY)
    if found is None or found.dtype != "uint8" or found.ndim != 1:
        return ""
    return found.tobytes()[:_LONGEST_SUMMARY].decode(errors="replace")


def _unusable(path: Path, reason: str) -> BenchError:
    return BenchError(f"{path}: {reason}; run the trial again with --reuse never")
