"""Download a task's official files: verified before they get their name, or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from bench.data.bundles import OfficialFile, official_bundles
from bench.data.digests import Digests
from bench.data.download import NotDelivered, Patience, transfer, wait_for_answer
from bench.data.folders import cache_folder, offline
from bench.data.official import complaint
from bench.errors import DataError
from bench.files import sweep

if TYPE_CHECKING:
    from bench.registry.tasks import TaskInfo

#: How the folders of downloads under way begin.
STAGING = ".download-"


class DownloadFailed(DataError):
    """A download did not end in verified files; ``reason`` is a few words for a sentence."""

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


def why_not_tried(info: TaskInfo) -> str | None:
    """Return why a task's data would not even be asked for, or None if they would."""
    if offline():
        return "no download since BENCH_OFFLINE is set"
    bundles = official_bundles(info)
    if not bundles or any(item.url is None for item in bundles[0]):
        return "there is no address to download from"
    return None


def fetch_official(info: TaskInfo, folder: Path, patience: Patience | None = None) -> None:
    """Download what a folder lacks of a task's first official bundle.

    Files land in a temporary folder and move to their names once all are verified, by
    their published hash or, without one, by size and the task's ``is_official``.
    Progress goes to standard error. A file that is there under an official name but is
    not the official one is left alone.

    Raises:
        DownloadFailed: No connection, a refusal, wrong content, or a file in the way.
        DataError: The folder cannot be written.
    """
    reason = why_not_tried(info)
    if reason is not None:
        _fail(info, folder, reason)
    bundle = official_bundles(info)[0]
    missing = [item for item in bundle if not (folder / item.name).exists()]
    _refuse_to_overwrite(info, bundle, folder)
    if not missing:
        return
    patience = patience or Patience()
    try:
        # Without an answer the folder, which may be read-only, is not even touched.
        wait_for_answer(str(missing[0].url), patience)
        sweep(folder, STAGING)
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=STAGING, dir=folder) as staging:
            for item in missing:
                transfer(item, Path(staging), patience)
            _put_in_place(info, bundle, folder, Path(staging))
    except NotDelivered as error:
        _fail(info, folder, f"download failed ({error})")
    except OSError as error:
        raise DownloadFailed(
            f"{folder}: cannot be written ({error.strerror or error}); free some space, mend its "
            "permissions, or set BENCH_DATA_DIR to another folder",
            f"download failed (the folder cannot be written: {error.strerror or error})",
        ) from None


def _refuse_to_overwrite(info: TaskInfo, bundle: Sequence[OfficialFile], folder: Path) -> None:
    digests = Digests(cache_folder())
    present = [item for item in bundle if (folder / item.name).exists()]
    # Without a published hash only the whole bundle can be judged, once it is complete.
    judged = present if len(present) == len(bundle) else [i for i in present if i.known_hash]
    if not judged:
        return
    wrong = complaint(info, judged, [folder / item.name for item in judged], digests)
    if wrong is not None:
        raise DownloadFailed(
            f"{folder}: {wrong}; move it away, then run `python -m bench data fetch {info.name}`",
            f"download not tried ({wrong})",
        )


def _put_in_place(
    info: TaskInfo, bundle: Sequence[OfficialFile], folder: Path, staging: Path
) -> None:
    arrived = {path.name: path for path in staging.iterdir()}
    files = [arrived.get(item.name, folder / item.name) for item in bundle]
    if any(item.known_hash is None for item in bundle):
        wrong = complaint(info, bundle, files, Digests(cache_folder()))
        if wrong is not None:
            _fail(info, folder, f"download failed ({wrong})")
    for name, path in arrived.items():
        os.chmod(path, 0o644)
        os.replace(path, folder / name)


def _fail(info: TaskInfo, folder: Path, reason: str) -> NoReturn:
    bundle = (official_bundles(info) or [()])[0]
    names = " with ".join(item.name for item in bundle) or "them"
    raise DownloadFailed(
        f"{info.name}: official data not in {folder}, {reason}; mend that and run "
        f"`python -m bench data fetch {info.name}`, put {names} there yourself, "
        "or run with another --source",
        reason,
    )
