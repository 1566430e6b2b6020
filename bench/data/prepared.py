"""Parse a task's data once; afterwards open them from memory-mapped arrays."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.data.digests import Digests, cache_folder
from bench.errors import DataError
from bench.files import WRITING, sweep, write_whole
from bench.formatting import notes_of

if TYPE_CHECKING:
    from bench.data.sources import Source
    from bench.registry.tasks import TaskInfo
    from bench.task import Prepared

#: Raise this when the layout of a folder of prepared arrays changes.
PREPARED_LAYOUT = 3
#: Where the targets of the test splits lie: beside the folder of all prepared arrays, so that
#: no folder which a job names has them.
TARGETS = "targets"
#: The folder of what is kept of views, beside the folders of prepared arrays; see
#: ``bench.data.encoded``.
ENCODED = "encoded"

_BUILDING = ".building-"
_DISCARDED = ".discarded-"


def say_on_stderr(text: str) -> None:
    """Print a line of progress."""
    print(text, file=sys.stderr, flush=True)


def prepare(info: TaskInfo, source: Source, say: Callable[[str], None] = say_on_stderr) -> Path:
    """Return the folder of a source's parsed arrays, parsing the files if it is not there.

    A damaged folder is built again, never used. Two processes may prepare the same data
    at once, and one may be killed: a folder of arrays has its name only once it is whole.

    Raises:
        DataError: The files cannot be parsed, changed meanwhile, or the cache folder
            cannot be written.
    """
    folder = prepared_folder(info, source)
    if folder.exists():
        wrong = array_damage(folder, _label(info, source))
        if wrong is None:
            return folder
        say(f"{info.name}: prepared data are damaged ({wrong}); preparing them again")
    else:
        doing = "parsing" if source.files else "making synthetic data"
        names = " with ".join(Path(file).name for file in source.files)
        say(f"{info.name}: {doing}{' ' + names if names else ''} (only once) ...")
    prepared = parse(info, source)
    try:
        write_folder(folder, prepared, _label(info, source), info.test_targets)
    except OSError as error:
        raise DataError(
            f"{folder.parent}: cannot be written ({error.strerror or error}); free some space, "
            "fix its permissions, or set BENCH_CACHE_DIR to another folder"
        ) from None
    return folder


def open_prepared(folder: Path, with_targets: bool = False) -> Prepared:
    """Open parsed arrays, memory-mapped and read-only.

    Targets of the test split are blank (NaN, or 0 of whole numbers) but for whoever scores.

    Raises:
        DataError: The folder is damaged.
    """
    try:
        return replace(read_arrays(folder, with_targets), folder=folder)
    except DataError as error:
        raise DataError(
            f"{folder}: is damaged ({error}); run `python -m bench data verify --repair`"
        ) from None


def prepared_folder(info: TaskInfo, source: Source) -> Path:
    """Return where a source's parsed arrays are, or would be."""
    version = source.fingerprint.removeprefix("sha256:").removeprefix("synthetic-")
    digits = re.sub(r"[^0-9A-Za-z.]", "_", version)[:16]
    # What an edited task makes of the same files is not the same, whatever its version says.
    task = f"v{info.version}.{info.sha256[:8]}" if info.sha256 else f"v{info.version}"
    name = f"{info.name}-{task}-{source.kind}-{digits}-l{PREPARED_LAYOUT}"
    return prepared_root() / name


def stored_notes(folder: Path) -> list[str]:
    """Return the notes of a folder of parsed arrays.

    Raises:
        DataError: Its description is damaged.
    """
    return notes_of(_read_description(folder)["meta"])


def prepared_root() -> Path:
    """Return the folder that holds all parsed arrays."""
    return cache_folder() / "prepared"


def prepared_of_task(name: str) -> list[Path]:
    """Return all folders of parsed arrays of a task, of any version and source."""
    version, kind = r"v\d+(\.[0-9a-f]+)?", "(official|local|synthetic)"
    pattern = re.compile(rf"{re.escape(name)}-{version}-{kind}-[^-]*-l\d+")
    try:
        found = [path for path in prepared_root().iterdir() if pattern.fullmatch(path.name)]
    except OSError:
        return []
    return sorted(found)


def kept_of(folder: Path) -> list[Path]:
    """Return the folders of what is kept of the views of prepared arrays."""
    found = (folder.parent / ENCODED).glob(f"{folder.name}-*")
    return sorted(path for path in found if path.is_dir())


def damage(info: TaskInfo, source: Source) -> str | None:
    """Return what is wrong with a source's parsed arrays, or None; reads no array."""
    return array_damage(prepared_folder(info, source), _label(info, source))


def discard(folder: Path) -> None:
    """Remove a folder of arrays; whoever has it open keeps what is mapped.

    Raises:
        OSError: It cannot be removed.
    """
    aside = tempfile.mkdtemp(prefix=_DISCARDED, dir=folder.parent)
    try:
        os.replace(folder, Path(aside) / folder.name)
    except FileNotFoundError:
        pass  # Another process was first.
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def write_folder(
    folder: Path, prepared: Prepared, label: dict[str, Any], apart: Collection[str] = ()
) -> None:
    """Write a folder of arrays that has its name only once it is whole.

    The arrays of the names ``apart`` are written first, to a folder of their own. A damaged
    folder of this name is replaced, a whole one with this label left as it is.

    Raises:
        OSError: The disk is full, or the folder's own cannot be written.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    sweep(folder.parent, _BUILDING)
    sweep(folder.parent, _DISCARDED)
    building = Path(tempfile.mkdtemp(prefix=_BUILDING, dir=folder.parent))
    try:
        write_arrays(building, prepared, label, {name: _apart(folder) for name in apart})
        building.chmod(0o755)
        _give_name(building, folder, label)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _label(info: TaskInfo, source: Source) -> dict[str, Any]:
    return {
        "layout": PREPARED_LAYOUT,
        "task": info.name,
        "version": info.version,
        "source": info.sha256,
        "kind": source.kind,
        "fingerprint": source.fingerprint,
    }


def parse(info: TaskInfo, source: Source) -> Prepared:
    """Parse the files of a source, or make its data, and store nothing.

    Raises:
        DataError: The files cannot be parsed, or changed meanwhile.
    """
    from bench.registry.task_code import call_task
    from bench.task import Prepared

    if source.kind == "synthetic":
        return call_task(info, "synthesise", kind=Prepared)
    files = tuple(map(Path, source.files))
    try:
        is_official = source.kind == "official"
        prepared = call_task(info, "read", list(files), is_official, kind=Prepared)
    except OSError as error:
        raise DataError(
            f"{error.filename or files[0]}: cannot be read ({error.strerror or error}); "
            "fix its permissions"
        ) from None
    if Digests(cache_folder()).fingerprint(files) != source.fingerprint:
        raise DataError(f"{files[0]}: changed while it was read; run again when it is complete")
    return prepared


def _give_name(building: Path, folder: Path, label: dict[str, Any]) -> None:
    """Move a whole folder to its name, unless another process was first with a whole one."""
    while True:
        if folder.exists():
            if array_damage(folder, label) is None:
                return
            discard(folder)
        try:
            building.rename(folder)
            return
        except OSError:
            # On every system a rename onto a folder that is not empty is refused.
            if not folder.exists():
                raise


# A folder of arrays on disk: one .npy file each, and a description that tells if any is damaged


_DESCRIPTION = "meta.json"
_CHUNK = 1 << 20


def write_arrays(
    folder: Path,
    prepared: Prepared,
    label: Mapping[str, Any],
    apart: Mapping[str, Path] | None = None,
) -> None:
    """Write arrays, which nobody may write to any more, and their description.

    ``label`` is JSON-able and says what the arrays are of; ``damage`` compares it. ``folder``
    is empty. Arrays named in ``apart`` go into the folder given there.

    Raises:
        ValueError: The task made an array of objects, or named one unlike an identifier.
        OSError: The disk is full, or the folder cannot be written.
    """
    import numpy as np

    arrays = {}
    for name, array in prepared.arrays.items():
        if not re.fullmatch(r"\w[\w.-]*", name):
            raise ValueError(f"an array cannot be called {name!r}; use letters, digits, _ and -")
        at = (apart or {}).get(name)
        if at is not None:
            at.mkdir(parents=True, exist_ok=True)
        file = (at or folder) / f"{name}.npy"
        handle, writing = tempfile.mkstemp(dir=file.parent, prefix=WRITING)
        with os.fdopen(handle, "wb") as stream:
            np.save(stream, array, allow_pickle=False)
            stream.flush()
            # Sizes are all that is compared on opening, so the bytes must be on the disk.
            os.fsync(stream.fileno())
        os.chmod(writing, 0o444)
        os.replace(writing, file)
        arrays[name] = {
            "dtype": array.dtype.str,
            "shape": array.shape,
            "bytes": file.stat().st_size,
            "sha256": _sha256(file),
            **({"apart": True} if at is not None else {}),
        }
    described = {"label": label, "arrays": arrays, "meta": prepared.meta}
    # As it will be read back: tuples become lists and keys become texts.
    content = json.loads(json.dumps(described, default=_plain))
    document = {"sha256": _checksum(content), "content": content}
    write_whole(folder / _DESCRIPTION, json.dumps(document, indent=1).encode())


def array_damage(
    folder: Path,
    label: Mapping[str, Any] | None = None,
    thorough: bool = False,
    with_targets: bool = True,
) -> str | None:
    """Return what is wrong with a folder of arrays in a few words, or None.

    Compares names, sizes and, if one is given, the label; ``thorough`` also compares
    the checksum of every array, which reads all of them. The targets of the test split, which
    lie elsewhere, are left out where they are not wanted.
    """
    try:
        content = _read_description(folder)
        if label is not None and content["label"] != dict(label):
            return f"{_DESCRIPTION} is of other data"
        for name, expected in content["arrays"].items():
            if with_targets or not expected.get("apart"):
                _check_file(_file_of(folder, name, expected), expected, thorough)
    except DataError as error:
        return str(error)
    return None


def read_arrays(folder: Path, with_targets: bool = False) -> Prepared:
    """Open a folder of arrays, memory-mapped and read-only; see ``open_prepared``.

    Raises:
        DataError: Something in it is missing or damaged.
    """
    import numpy as np

    from bench.task import Prepared

    content = _read_description(folder)
    arrays = {}
    for name, expected in content["arrays"].items():
        if expected.get("apart") and not with_targets:
            blank = np.array(0).astype(expected["dtype"])
            blank = np.full_like(blank, np.nan) if blank.dtype.kind == "f" else blank
            arrays[name] = np.broadcast_to(blank, tuple(expected["shape"]))
            continue
        file = _file_of(folder, name, expected)
        _check_file(file, expected, thorough=False)
        try:
            mapped = np.load(file, mmap_mode="r", allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise DataError(f"{name}.npy cannot be opened ({error})") from None
        if [mapped.dtype.str, list(mapped.shape)] != [expected["dtype"], expected["shape"]]:
            raise DataError(f"{name}.npy holds {mapped.dtype} {mapped.shape}")
        # A plain view of the map: the memmap class makes every slice several times slower.
        arrays[name] = np.asarray(mapped)
    return Prepared(arrays, content["meta"])


def files_of(folder: Path, with_targets: bool = True) -> dict[Path, str]:
    """Return all files of a folder of arrays with the digests that they ought to have.

    Args:
        folder: The folder.
        with_targets: Whether those that lie elsewhere are among them.

    Raises:
        DataError: There is no whole description.
    """
    arrays = _read_description(folder)["arrays"]
    found = {
        _file_of(folder, name, each): str(each["sha256"])
        for name, each in arrays.items()
        if with_targets or not each.get("apart")
    }
    return {**found, folder / _DESCRIPTION: _sha256(folder / _DESCRIPTION)}


def has_digest(file: Path, digest: str) -> bool:
    """Say whether a file's content has this SHA-256; one that cannot be read has none."""
    try:
        return _sha256(file) == digest
    except OSError:
        return False


def size_of(folder: Path) -> int:
    """Return the bytes of all files in a folder of arrays."""
    return sum(file.stat().st_size for file in folder.iterdir() if file.is_file())


def _apart(folder: Path) -> Path:
    """Return where the arrays lie that do not lie in a folder of prepared arrays."""
    return folder.parent.parent / TARGETS / folder.name


def _file_of(folder: Path, name: str, expected: Mapping[str, Any]) -> Path:
    return (_apart(folder) if expected.get("apart") else folder) / f"{name}.npy"


def _check_file(file: Path, expected: Mapping[str, Any], thorough: bool) -> None:
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
