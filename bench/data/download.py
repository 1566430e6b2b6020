"""Bring published files over the network: in order, checked, or not at all."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from bench.data.bundles import OfficialFile


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
