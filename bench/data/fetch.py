"""Download a task's official files: verified before they get their name, or not at all."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import urlsplit

from bench.data.bundles import OfficialFile, official_bundles
from bench.data.digests import Digests
from bench.data.folders import cache_folder, offline, sweep
from bench.data.official import complaint
from bench.errors import DataError

if TYPE_CHECKING:
    from bench.registry.tasks import TaskInfo

_STAGING = ".download-"


class DownloadFailed(DataError):
    """A download did not end in verified files; ``reason`` is a few words for a sentence."""

    def __init__(self, message: str, reason: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True)
class Patience:
    """How long to wait, in seconds.

    ``connect`` for one connection; ``answer`` for the server's first sign of life in
    all, name look-up included; ``read`` for the next bytes once data flow.
    """

    connect: float = 3.0
    answer: float = 6.0
    read: float = 20.0


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
    # Without an answer the folder, which may be read-only, is not even touched.
    _wait_for_answer(info, str(missing[0].url), folder, patience)
    sweep(folder, _STAGING)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=_STAGING, dir=folder) as staging:
            for item in missing:
                _transfer(info, item, folder, Path(staging), patience)
            _put_in_place(info, bundle, folder, Path(staging))
    except DataError:
        raise
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


def _transfer(
    info: TaskInfo, item: OfficialFile, folder: Path, staging: Path, patience: Patience
) -> None:
    """Download one file into the staging folder, checked against its published hash."""
    import logging

    import pooch
    import requests

    from bench.data.transfer import make_display

    assert item.url is not None
    # Pooch tells each step on its own logger, in the middle of a progress bar.
    pooch.get_logger().setLevel(logging.WARNING)
    display = make_display(item)
    downloader = pooch.HTTPDownloader(
        progressbar=display,
        chunk_size=1 << 16,
        timeout=(patience.connect, patience.read),
        headers={"Accept-Encoding": "identity"},
    )
    known_hash = ":".join(item.known_hash) if item.known_hash else None
    try:
        pooch.retrieve(item.url, known_hash, item.name, staging, downloader=downloader)
    except requests.RequestException as error:
        _fail(info, folder, f"download failed ({_in_words(error, patience, started=True)})")
    except ValueError:
        _fail(info, folder, f"download failed ({item.name} arrived with another hash)")
    finally:
        display.stop()
    size = (staging / item.name).stat().st_size
    if item.known_hash is None and item.size is not None and size != item.size:
        _fail(
            info, folder, f"download failed ({item.name} arrived with {size} of {item.size} bytes)"
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


def _wait_for_answer(info: TaskInfo, url: str, folder: Path, patience: Patience) -> None:
    """Ask the server for a sign of life, and give up soon where there is no network.

    The look-up of a name has no time-out of its own and may hang for a minute behind a
    firewall, so the question is asked on a thread that nobody has to wait for.
    """
    import pooch

    problems: list[Exception] = []

    def ask() -> None:
        try:
            probe = pooch.HTTPDownloader(timeout=(patience.connect, patience.read))
            # Any answer is a sign of life; what it says shows when the file is asked for.
            probe(url, None, None, check_only=True)
        except Exception as error:
            problems.append(error)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(patience.answer)
    if thread.is_alive():
        _fail(info, folder, f"download failed (no answer within {patience.answer:g} s)")
    if problems:
        reason = _in_words(problems[0], patience, started=False)
        _fail(info, folder, f"download failed ({reason})")


def _in_words(error: Exception, patience: Patience, started: bool) -> str:
    import requests

    if isinstance(error, requests.HTTPError) and error.response is not None:
        host = urlsplit(error.response.url).hostname
        return f"{host} answers {error.response.status_code} {error.response.reason}"
    if isinstance(error, requests.exceptions.SSLError):
        return "the server's certificate cannot be verified"
    if isinstance(error, requests.exceptions.ProxyError):
        return "the proxy refuses"
    if isinstance(error, requests.ConnectTimeout):
        return f"no connection within {patience.connect:g} s"
    if isinstance(error, requests.ReadTimeout) or "Read timed out" in str(error):
        return f"the server is silent for {patience.read:g} s"
    if isinstance(error, (requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        return "the connection broke off" if started else "no connection"
    return " ".join(str(error).split()) or type(error).__name__


def _fail(info: TaskInfo, folder: Path, reason: str) -> NoReturn:
    bundle = (official_bundles(info) or [()])[0]
    names = " with ".join(item.name for item in bundle) or "them"
    raise DownloadFailed(
        f"{info.name}: official data not in {folder}, {reason}; mend that and run "
        f"`python -m bench data fetch {info.name}`, put {names} there yourself, "
        "or run with another --source",
        reason,
    )
