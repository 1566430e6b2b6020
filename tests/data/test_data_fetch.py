"""Downloads, from a server that these tests run themselves."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from data_world import NUMBERS, OTHER_NUMBERS, World, make_world, official_file

from bench.data.download import Patience, fetch_official
from bench.data.sources import resolve
from bench.errors import DataError, DownloadFailed

SHORT = Patience(connect=0.3, answer=0.5, read=0.4)


@dataclass
class Server:
    """Serves ``files`` by name; ``misbehave`` may stall or cut an answer short."""

    url: str
    files: dict[str, bytes] = field(default_factory=dict)
    asked_for: list[str] = field(default_factory=list)
    misbehave: str = ""
    give_up: threading.Event = field(default_factory=threading.Event)


def _handler(server: Callable[[], Server]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def do_HEAD(self) -> None:
            self._answer(with_body=False)

        def do_GET(self) -> None:
            server().asked_for.append(self.path[1:])
            self._answer(with_body=True)

        def _answer(self, with_body: bool) -> None:
            world = server()
            content = world.files.get(self.path[1:])
            if world.misbehave == "silent":
                world.give_up.wait(10)
            self.send_response(404 if content is None else 200)
            content = content or b""
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if not with_body:
                return
            if world.misbehave in ("cut", "stall"):
                self.wfile.write(content[: len(content) // 2])
                self.wfile.flush()
                if world.misbehave == "stall":
                    world.give_up.wait(10)
                return
            self.wfile.write(content)

    return Handler


@pytest.fixture
def server() -> Iterator[Server]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _handler(lambda: world)) as http:
        world = Server(f"http://127.0.0.1:{http.server_port}", {"numbers.txt": NUMBERS})
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield world
        world.give_up.set()
        http.shutdown()
        thread.join()


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Server) -> World:
    for variable in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(variable, raising=False)
    world = make_world(tmp_path, monkeypatch)
    return world.declare(official=[[official_file("numbers.txt", NUMBERS, server.url)]])


def nothing_arrived(world: World) -> bool:
    return not world.data.exists() or not list(world.data.iterdir())


def test_a_good_file_gets_its_name_and_becomes_the_official_source(
    world: World, capfd: pytest.CaptureFixture[str]
) -> None:
    source = resolve(world.info)
    assert source.kind == "official"
    assert source.why == "downloaded and verified"
    assert [path.name for path in world.data.iterdir()] == ["numbers.txt"]
    said = capfd.readouterr()
    assert said.out == ""
    assert said.err == "downloading numbers.txt\ndownloaded numbers.txt (10 bytes)\n"


def test_what_is_there_is_not_downloaded_again(world: World, server: Server) -> None:
    both = {"more.txt": OTHER_NUMBERS, **server.files}
    server.files = both
    bundle = [official_file(name, content, server.url) for name, content in both.items()]
    world = world.declare(official=[bundle])
    world.put("numbers.txt")
    fetch_official(world.info, world.data)
    assert server.asked_for == ["more.txt"]
    fetch_official(world.info, world.data)
    assert server.asked_for == ["more.txt"]


def test_a_file_with_a_wrong_hash_never_gets_the_name(world: World, server: Server) -> None:
    server.files["numbers.txt"] = OTHER_NUMBERS
    with pytest.raises(DownloadFailed, match=r"numbers\.txt arrived with another hash"):
        fetch_official(world.info, world.data)
    assert nothing_arrived(world)


@pytest.mark.parametrize(
    ("fault", "words"),
    [("cut", "the connection broke off"), ("stall", "the server is silent for 0.4 s")],
)
def test_a_broken_transfer_leaves_nothing(
    world: World, server: Server, fault: str, words: str
) -> None:
    server.misbehave = fault
    with pytest.raises(DownloadFailed, match=words):
        fetch_official(world.info, world.data, SHORT)
    assert nothing_arrived(world)


def test_a_second_file_that_fails_takes_the_first_with_it(world: World, server: Server) -> None:
    both = {"numbers.txt": NUMBERS, "absent.txt": b""}
    bundle = [official_file(name, content, server.url) for name, content in both.items()]
    with pytest.raises(DownloadFailed, match=r"127\.0\.0\.1 answers 404"):
        fetch_official(world.declare(official=[bundle]).info, world.data)
    assert nothing_arrived(world)


def test_a_refused_connection_ends_in_made_data_at_once(world: World) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        world = world.declare(official=[[official_file("numbers.txt", NUMBERS, url)]])
        started = time.monotonic()
        source = resolve(world.info)
    assert source.kind == "synthetic"
    assert "download failed (no connection); made synthetic data" in source.why
    assert time.monotonic() - started < 3
    assert not world.data.exists(), "without a network the folder is not touched"


def test_a_silent_server_is_given_up_soon(world: World, server: Server) -> None:
    server.misbehave = "silent"
    started = time.monotonic()
    with pytest.raises(DownloadFailed, match=r"no answer within|is silent for"):
        fetch_official(world.info, world.data, SHORT)
    assert time.monotonic() - started < 3


def test_a_name_that_takes_forever_to_look_up_is_given_up_soon(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    released = threading.Event()

    def look_up(*_: object, **__: object) -> list[object]:
        released.wait(10)
        raise socket.gaierror("no such name")

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    started = time.monotonic()
    with pytest.raises(DownloadFailed, match=r"no answer within 0\.5 s"):
        fetch_official(world.info, world.data, SHORT)
    released.set()
    assert time.monotonic() - started < 3


def test_without_a_hash_the_size_and_the_task_judge_what_arrived(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Server
) -> None:
    look = "def is_official(files):\n    return None if b'3' in files[0].read_bytes() else 'no 3'"
    world = make_world(tmp_path, monkeypatch, look)
    item = {"name": "numbers.txt", "url": f"{server.url}/numbers.txt", "size": len(NUMBERS)}
    world = world.declare(official=[[item]])
    server.files["numbers.txt"] = b"short"
    with pytest.raises(DownloadFailed, match="arrived with 5 of 10 bytes"):
        fetch_official(world.info, world.data)
    server.files["numbers.txt"] = b"1\n2\n4\n5\n6\n"
    with pytest.raises(DownloadFailed, match="no 3"):
        fetch_official(world.info, world.data)
    assert nothing_arrived(world)
    server.files["numbers.txt"] = NUMBERS
    fetch_official(world.info, world.data)
    assert (world.data / "numbers.txt").read_bytes() == NUMBERS


def test_a_users_own_file_of_the_official_name_is_not_overwritten(world: World) -> None:
    file = world.put("numbers.txt", OTHER_NUMBERS)
    with pytest.raises(DownloadFailed, match="its sha256 differs; move it away"):
        fetch_official(world.info, world.data)
    assert file.read_bytes() == OTHER_NUMBERS


def test_a_folder_that_cannot_be_written_is_named(world: World) -> None:
    world.data.write_bytes(b"a file where the folder should be")
    with pytest.raises(DataError) as caught:
        fetch_official(world.info, world.data)
    assert str(caught.value).startswith(f"{world.data}: cannot be written (")
    assert "BENCH_DATA_DIR" in str(caught.value)


def test_a_task_without_an_address_says_that_there_is_none(world: World) -> None:
    world = world.declare(official=[[{"name": "numbers.txt"}]])
    assert "there is no address to download from" in resolve(world.info).why


def test_leftovers_of_a_killed_download_are_swept_when_old(world: World) -> None:
    old, young = world.data / ".download-old", world.data / ".download-young"
    old.mkdir(parents=True)
    young.mkdir()
    os.utime(old, (0, 0))
    fetch_official(world.info, world.data)
    assert not old.exists()
    assert young.exists()
