"""Bring published files over the network: in order, checked, or not at all."""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, Protocol
from urllib.parse import urlsplit

from bench.data.digests import Digests, cache_folder, offline
from bench.data.official import OfficialFile, complaint, is_data, official_bundles
from bench.errors import DownloadFailed
from bench.files import sweep

if TYPE_CHECKING:
    from rich.console import Console

    from bench.registry.tasks import TaskInfo

# Show a download on standard error: a bar on a terminal, plain lines elsewhere


_SECONDS_BETWEEN_LINES = 10.0


class Display(Protocol):
    """What pooch asks of a progress bar, and ``stop``, which ends it whatever happened.

    Pooch sets ``total`` once the server has named the size (0 if it has not), reports
    each chunk by ``update`` as if it were full, then calls ``reset``, ``update`` with
    the total, and ``close``.
    """

    total: int

    def update(self, count: int) -> None:
        """So many more bytes have arrived."""

    def reset(self) -> None:
        """Begin to count again."""

    def close(self) -> None:
        """All bytes have arrived."""

    def stop(self) -> None:
        """Take the display away; may be called twice."""


def make_display(item: OfficialFile) -> Display:
    """Return the display for one file."""
    from rich.console import Console

    console = Console(stderr=True, highlight=False)
    return _Bar(item.name, console) if console.is_terminal else _LineProgress(item.name)


class _Bar:
    def __init__(self, name: str, console: Console) -> None:
        from rich import progress

        self.total = 0
        self._progress = progress.Progress(
            progress.TextColumn("{task.description}", markup=False),
            progress.BarColumn(),
            progress.DownloadColumn(),
            progress.TransferSpeedColumn(),
            progress.TimeRemainingColumn(),
            console=console,
        )
        self._task = self._progress.add_task(f"downloading {name}", total=None)
        self._progress.start()

    def update(self, count: int) -> None:
        self._progress.update(self._task, total=self.total or None, advance=count)

    def reset(self) -> None:
        self._progress.update(self._task, completed=0)

    def close(self) -> None:
        self.stop()

    def stop(self) -> None:
        self._progress.stop()


def _size(count: int) -> str:
    from rich.filesize import decimal

    return decimal(count)


class _LineProgress:
    def __init__(self, name: str) -> None:
        self.total = 0
        self._name = name
        self._arrived = 0
        self._last_line = time.monotonic()
        self._say(f"downloading {name}")

    def update(self, count: int) -> None:
        self._arrived += count
        if time.monotonic() - self._last_line > _SECONDS_BETWEEN_LINES:
            self._last_line = time.monotonic()
            of = f" of {_size(self.total)}" if self.total else ""
            self._say(f"downloading {self._name}: {_size(self._arrived)}{of}")

    def reset(self) -> None:
        self._arrived = 0

    def close(self) -> None:
        self._say(f"downloaded {self._name} ({_size(self.total)})")

    def stop(self) -> None:
        pass

    def _say(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)


class NotDelivered(Exception):
    """A download did not end in the published file; says why in a few words."""


@dataclass(frozen=True)
class Patience:
    """How long to wait, in seconds.

    ``connect`` for one connection; ``answer`` for the server's first sign of life in
    all, name look-up included; ``read`` for the next bytes once data flow.
    """

    connect: float = 3.0
    answer: float = 6.0
    read: float = 20.0


def wait_for_answer(url: str, patience: Patience) -> None:
    """Ask the server for a sign of life, and give up soon where there is no network.

    The look-up of a name has no time-out of its own and may hang for a minute behind a
    firewall, so the question is asked on a thread that nobody has to wait for.

    Raises:
        NotDelivered: There is no answer.
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
        raise NotDelivered(f"no answer within {patience.answer:g} s")
    if problems:
        raise NotDelivered(_in_words(problems[0], patience, started=False))


def transfer(item: OfficialFile, folder: Path, patience: Patience) -> None:
    """Download one file into a folder, checked against its published hash or size.

    Raises:
        NotDelivered: The transfer broke off, or something else arrived.
    """
    import logging

    import pooch
    import requests

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
        pooch.retrieve(item.url, known_hash, item.name, folder, downloader=downloader)
    except requests.RequestException as error:
        raise NotDelivered(_in_words(error, patience, started=True)) from None
    except ValueError:
        raise NotDelivered(f"{item.name} arrived with another hash") from None
    finally:
        display.stop()
    size = (folder / item.name).stat().st_size
    if item.known_hash is None and item.size is not None and size != item.size:
        raise NotDelivered(f"{item.name} arrived with {size} of {item.size} bytes")


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


# Download a task's official files: verified before they get their name, or not at all

#: How the folders of downloads in progress begin.
STAGING = ".download-"


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
    missing = [item for item in bundle if not is_data(folder / item.name)]
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
        raise not_writable(folder, error) from None


def not_writable(folder: Path, error: OSError) -> DownloadFailed:
    """Return the error of a download that found no room in the data folder, or no way in."""
    said = error.strerror or error
    return DownloadFailed(
        f"{folder}: cannot be written ({said}); free some space, fix its permissions, or set "
        "BENCH_DATA_DIR to another folder",
        f"download failed (the folder cannot be written: {said})",
    )


def _refuse_to_overwrite(info: TaskInfo, bundle: Sequence[OfficialFile], folder: Path) -> None:
    digests = Digests(cache_folder())
    present = [item for item in bundle if is_data(folder / item.name)]
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
        f"{info.name}: official data not in {folder}, {reason}; fix that and run "
        f"`python -m bench data fetch {info.name}`, put {names} there yourself, "
        "or run with another --source",
        reason,
    )
