"""A folder of arrays on disk: one .npy file each, and a description that tells if any is damaged.

Judging a folder needs no numpy, so that a command which only asks stays quick.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.errors import DataError
from bench.files import write_whole

if TYPE_CHECKING:
    from bench.task import Prepared

_DESCRIPTION = "meta.json"
_CHUNK = 1 << 20


def write_arrays(folder: Path, prepared: Prepared, label: Mapping[str, Any]) -> None:
    """Write arrays and their description into an empty folder.

    ``label`` is JSON-able and says what the arrays are of; ``damage`` compares it.

    Raises:
        ValueError: The task made an array of objects, or named one unlike an identifier.
        OSError: The disk is full, or the folder cannot be written.
    """
    import numpy as np

    arrays = {}
    for name, array in prepared.arrays.items():
        if not re.fullmatch(r"\w[\w.-]*", name):
            raise ValueError(f"an array cannot be called {name!r}; use letters, digits, _ and -")
        file = folder / f"{name}.npy"
        with file.open("wb") as stream:
            np.save(stream, array, allow_pickle=False)
            stream.flush()
            # Sizes are all that is compared on opening, so the bytes must be on the disk.
            os.fsync(stream.fileno())
        arrays[name] = {
            "dtype": array.dtype.str,
            "shape": array.shape,
            "bytes": file.stat().st_size,
            "sha256": _sha256(file),
        }
    described = {"label": label, "arrays": arrays, "meta": prepared.meta}
    # As it will be read back: tuples become lists and keys become texts.
    content = json.loads(json.dumps(described, default=_plain))
    document = {"sha256": _checksum(content), "content": content}
    write_whole(folder / _DESCRIPTION, json.dumps(document, indent=1).encode())


def damage(
    folder: Path, label: Mapping[str, Any] | None = None, thorough: bool = False
) -> str | None:
    """Return what is wrong with a folder of arrays in a few words, or None.

    Compares names, sizes and, if one is given, the label; ``thorough`` also compares
    the checksum of every array, which reads all of them.
    """
    try:
        content = _read_description(folder)
        if label is not None and content["label"] != dict(label):
            return f"{_DESCRIPTION} is of other data"
        _check_files(folder, content, thorough)
    except DataError as error:
        return str(error)
    return None


def read_arrays(folder: Path) -> Prepared:
    """Open a folder of arrays, memory-mapped and read-only.

    Raises:
        DataError: Something in it is missing or damaged.
    """
    import numpy as np

    from bench.task import Prepared

    content = _read_description(folder)
    _check_files(folder, content, thorough=False)
    arrays = {}
    for name, expected in content["arrays"].items():
        try:
            mapped = np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise DataError(f"{name}.npy cannot be opened ({error})") from None
        if [mapped.dtype.str, list(mapped.shape)] != [expected["dtype"], expected["shape"]]:
            raise DataError(f"{name}.npy holds {mapped.dtype} {mapped.shape}")
        # A plain view of the map: the memmap class makes every slice several times slower.
        arrays[name] = np.asarray(mapped)
    return Prepared(arrays, content["meta"])


def size_of(folder: Path) -> int:
    """Return the bytes of all files in a folder of arrays."""
    return sum(file.stat().st_size for file in folder.iterdir() if file.is_file())


def _check_files(folder: Path, content: Mapping[str, Any], thorough: bool) -> None:
    for name, expected in content["arrays"].items():
        file = folder / f"{name}.npy"
        try:
            size = file.stat().st_size
            if size != expected["bytes"]:
                raise DataError(f"{file.name} has {size} of {expected['bytes']} bytes")
            if thorough and _sha256(file) != expected["sha256"]:
                raise DataError(f"{file.name} has another checksum")
        except OSError as error:
            raise _unreadable(file, error) from None


def _read_description(folder: Path) -> dict[str, Any]:
    file = folder / _DESCRIPTION
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        content = document["content"]
        intact = document["sha256"] == _checksum(content)
    except OSError as error:
        raise _unreadable(file, error) from None
    except (ValueError, TypeError, KeyError, RecursionError):
        raise DataError(f"{file.name} is no description of arrays") from None
    if not intact:
        raise DataError(f"{file.name} has another checksum")
    return dict(content)


def _unreadable(file: Path, error: OSError) -> DataError:
    return DataError(f"{file.name} cannot be read ({error.strerror or error})")


def _plain(value: Any) -> Any:
    """Let a task put numpy numbers and mappings of other types into its meta."""
    if isinstance(value, Mapping):
        return dict(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"meta cannot hold a {type(value).__name__}")


def _checksum(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _sha256(file: Path) -> str:
    total = hashlib.sha256()
    with file.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            total.update(chunk)
    return total.hexdigest()
