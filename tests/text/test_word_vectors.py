"""Word vectors: read, fetched with their archive, and given to plugins that declare them."""

from __future__ import annotations

import functools
import hashlib
import threading
import zipfile
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from builders import a_plugin, a_task
from text_world import WORDS, made_data, opened

import bench.cli.data
from bench.cli import main
from bench.data import survey, word_vectors
from bench.data.download import Patience
from bench.data.official import OfficialFile
from bench.data.word_vectors import (
    PUBLISHED,
    WordVectors,
    absence_of,
    digest_of,
    fetch_word_vectors,
    path_of,
)
from bench.errors import BenchError, CannotRun, DataError, DownloadFailed
from bench.registry.plugins import read_plugin
from bench.registry.tasks import FoundTasks
from bench.text.vectors import read_vectors
from bench.worker.plugin import PluginTask

LINES = "film 0.5 -1 2e-1\nthe 1 2 3\ncafé -0.25 0 7\n"
FILE = "vectors.3d.txt"


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data folder, which the suite looks into."""
    for variable in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "BENCH_OFFLINE"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("BENCH_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("BENCH_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


def written(path: Path, text: str = LINES) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def an_archive(folder: Path, text: str = LINES, member: str = FILE) -> Path:
    """Write an archive of word vectors among other members."""
    path = folder / "vectors.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("vectors.2d.txt", "the 1 2\n")
        archive.writestr(member, text)
    return path


def publish(monkeypatch: pytest.MonkeyPatch, archive: Path, url: str | None = None) -> None:
    """Have the suite know these word vectors, three words of three numbers, as ``small``."""
    item = OfficialFile(archive.name, url, size=archive.stat().st_size)
    small = {"small": WordVectors(FILE, item, words=3, numbers=3)}
    for module in (word_vectors, word_vectors, survey, bench.cli.data):
        monkeypatch.setattr(module, "PUBLISHED", small)


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """The address of a server that serves ``tmp_path / "server"``."""
    (tmp_path / "server").mkdir()

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    handler = functools.partial(Quiet, directory=str(tmp_path / "server"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{http.server_port}"
        http.shutdown()
        thread.join()


def test_each_word_gets_its_vector_and_an_unknown_one_gets_zeros(tmp_path):
    vectors = read_vectors(written(tmp_path / FILE), ["<padding>", "the", "café", "unheard"])

    assert vectors.dtype == np.float32
    assert vectors.tolist() == [[0, 0, 0], [1, 2, 3], [-0.25, 0, 7], [0, 0, 0]]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("the 1 2 3\nfilm 1 2\n", ":2: has 2 numbers after a word, not 3"),
        ("the 1 2 3\n\nfilm 1 2 3\n", ":2: has 0 numbers after a word, not 3"),
        ("400000 4\nthe 1 2 3\n", ":2: has 3 numbers after a word, not 1"),
        ("the 1 2 3\nfilm 1 2 3 4\n", ":2: has 4 numbers after a word, not 3"),
        ("the 1 2 3\nfilm" + " 1" * (1 << 19) + "\n", ":2: does not end"),
        ("film 1 2 3\nthe 1 two 3\n", ":2: has a word where a number belongs"),
        ("the 1 nan 3\n", ":1: has a number that is not finite"),
        ("the\n", ":1: has no number after a word"),
        ("<html><body>Not found</body></html>\n", ":1: has a word where a number belongs"),
        ("", ":1: has no number after a word"),
    ],
)
def test_a_malformed_line_is_one_error_that_names_it(tmp_path, text, said):
    with pytest.raises(DataError) as caught:
        read_vectors(written(tmp_path / FILE, text), ["the", "<html><body>Not"])

    assert str(caught.value).startswith(FILE + said)
    assert str(caught.value).endswith("; correct the line, or get the file again")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "3 3\n" + LINES,
        LINES.replace("\n", " \n"),
        LINES.replace("\n", "\t\r\n"),
        "\ufeff" + LINES,
        "\ufeff3 3\n" + LINES.replace("\n", " \n"),
        LINES.replace(" ", "\t"),
        LINES + "at name@domain.com 7 8 9\n. . . 4 5 6\n",
        ". . . 4 5 6\n" + LINES,
    ],
    ids=["header", "blanks", "tab and CR", "BOM", "all", "tabs", "words of two", "first of three"],
)
def test_what_word2vec_fasttext_and_editors_add_changes_no_vector(tmp_path, text):
    path = tmp_path / FILE
    path.write_bytes(text.encode())

    vectors = read_vectors(path, ["the", "café", "film"])

    assert vectors.tolist() == [[1, 2, 3], [-0.25, 0, 7], [0.5, -1, np.float32(0.2)]]


def test_a_word_with_blanks_has_its_vector(tmp_path):
    text = LINES + "at name@domain.com 7 8 9\n. . . 4 5 6\n"

    vectors = read_vectors(written(tmp_path / FILE, text), ["at name@domain.com", ". . .", "at"])

    assert vectors.tolist() == [[7, 8, 9], [4, 5, 6], [0, 0, 0]]


def test_a_plugin_gets_vectors_that_follow_the_indices_of_its_input(data):
    written(data / FILE)
    task = PluginTask("imdb", opened(num_words=6), files={FILE: "sha256:1"})
    vectors = task.word_vectors(FILE)

    assert WORDS[:2] == ["the", "film"]
    assert vectors.shape == (task.num_words, 3)
    assert vectors[4:].tolist() == [[1, 2, 3], [0.5, -1, np.float32(0.2)]]
    assert not vectors[:4].any()


def test_a_plugin_that_does_not_declare_a_file_does_not_get_it(data):
    written(data / FILE)

    with pytest.raises(BenchError, match=r"declare it, FILES = \['vectors\.3d\.txt'\]"):
        PluginTask("imdb", opened()).word_vectors(FILE)


def test_data_without_words_cannot_have_word_vectors(data):
    written(data / FILE)

    with pytest.raises(CannotRun, match="has ranks but no words"):
        PluginTask("imdb", opened(made_data(words=None)), files=[FILE]).word_vectors(FILE)


def test_a_file_is_known_by_what_is_in_it_and_an_absent_one_by_how_to_get_it(data):
    assert digest_of(FILE, data / "mine" / "model.py") is None
    with pytest.raises(
        CannotRun, match=r"needs vectors\.3d\.txt, neither beside it nor in the data"
    ):
        path_of(FILE, data / "mine" / "model.py")
    assert "run `python -m bench data fetch glove`, or put it" in absence_of("glove.6B.100d.txt")

    written(data / FILE)
    assert path_of(FILE, data / "mine" / "model.py") == data / FILE
    assert (
        digest_of(FILE, data / "mine" / "model.py")
        == "sha256:" + hashlib.sha256(LINES.encode()).hexdigest()
    )


def test_a_plugin_declares_its_files_and_what_is_no_name_is_a_problem(tmp_path):
    tasks = {"jena": a_task()}
    right = read_plugin(a_plugin(tmp_path, before=f"FILES = [{FILE!r}]"), tasks)
    assert right.files == (FILE,)
    assert not right.problems

    for wrong in (repr(FILE), "['../passwd']", "['a/b']", "['.hidden']", "['']", "[3]"):
        plugin = read_plugin(a_plugin(tmp_path, before=f"FILES = {wrong}"), tasks)
        (problem,) = plugin.problems
        assert (problem.line, plugin.files) == (2, ())
        assert problem.message.startswith("FILES must be a list of names of files")


def test_glove_is_fetched_from_its_authors_and_judged_by_size_and_layout():
    glove = PUBLISHED["glove"]
    assert glove.archive.url == "https://nlp.stanford.edu/data/glove.6B.zip"
    assert (glove.archive.size, glove.words, glove.numbers) == (862_182_613, 400_000, 100)


def test_the_one_file_is_downloaded_unpacked_and_the_archive_not_kept(
    data, tmp_path, address, monkeypatch, capfd
):
    archive = an_archive(tmp_path / "server")
    publish(monkeypatch, archive, f"{address}/{archive.name}")
    fetch_word_vectors("small", data)
    archive.unlink()
    fetch_word_vectors("small", data)

    assert [path.name for path in data.iterdir()] == [FILE]
    assert (data / FILE).read_text(encoding="utf-8") == LINES
    assert capfd.readouterr().err.startswith("downloading vectors.zip\n")


def test_an_archive_that_the_user_put_there_needs_no_network_and_stays(data, monkeypatch):
    monkeypatch.setenv("BENCH_OFFLINE", "1")
    archive = an_archive(data)
    publish(monkeypatch, archive)
    fetch_word_vectors("small", data)

    assert (data / FILE).read_text(encoding="utf-8") == LINES
    assert archive.exists()


def test_the_command_fetches_shows_and_verifies_them(data, monkeypatch, capsys):
    def answer(*words: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as ended:
            main(["data", *words])
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out + said.err

    monkeypatch.setenv("BENCH_OFFLINE", "1")
    monkeypatch.setattr(bench.cli.data, "_tasks", lambda folders: FoundTasks({}))
    archive = an_archive(data)
    publish(monkeypatch, archive)
    assert f"{FILE}: not there; `python -m bench data fetch small`" in answer("status")[1]
    assert answer("fetch", "small") == (0, f"small: {FILE} in {data}, verified\n")
    assert f"{FILE} (43 bytes): there, the word vectors small" in answer("status")[1]
    assert "1 checked, none damaged" in answer("verify")[1]

    written(data / FILE, LINES.replace(" 3\n", "\n"))
    status, said = answer("verify")
    assert (status, said.count("DAMAGED")) == (1, 1)
    assert "has 2 numbers in line 2, not 3" in said
    status, said = answer("fetch", "small")
    assert (status, "move it away" in said) == (1, True)
    archive.unlink()
    (data / FILE).unlink()
    assert answer("fetch", "small")[0] == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("the 1 2 3\nfilm 1 2\na 1 2 3\n", "has 2 numbers in line 2, not 3"),
        ("the 1 2 3\n", "has 1 lines, not 3"),
        (LINES + "a 1 2 3\n", "has 4 lines, not 3"),
        ("x" * 5_000 + " 1 2 3\n", "has too many bytes"),
    ],
)
def test_other_content_never_gets_the_name(data, monkeypatch, text, said):
    publish(monkeypatch, an_archive(data, text))
    with pytest.raises(DownloadFailed, match=said) as caught:
        fetch_word_vectors("small", data)

    assert [path.name for path in data.iterdir()] == ["vectors.zip"]
    assert "\n" not in str(caught.value)
    assert "python -m bench data fetch small" in str(caught.value)


def test_an_archive_of_another_size_or_without_the_file_or_damaged_is_refused(data, monkeypatch):
    archive = an_archive(data, member="../vectors.3d.txt")
    publish(monkeypatch, archive)
    with pytest.raises(DownloadFailed, match=r"vectors\.zip is damaged"):
        fetch_word_vectors("small", data)

    content = bytearray(an_archive(data).read_bytes())
    publish(monkeypatch, archive)
    at = content.index(FILE.encode()) + len(FILE) + 3
    archive.write_bytes(content[:at] + bytes([content[at] ^ 255]) + content[at + 1 :])
    with pytest.raises(DownloadFailed, match=r"vectors\.zip is damaged"):
        fetch_word_vectors("small", data)

    archive.write_bytes(content[:-10])
    with pytest.raises(DownloadFailed, match=rf"has {len(content) - 10} bytes, not {len(content)}"):
        fetch_word_vectors("small", data)
    assert [path.name for path in data.iterdir()] == ["vectors.zip"]


def test_without_a_network_or_leave_it_says_what_to_do_and_touches_nothing(
    data, tmp_path, monkeypatch
):
    archive = an_archive(tmp_path)
    publish(monkeypatch, archive, "http://127.0.0.1:9/vectors.zip")
    small = Patience(connect=0.3, answer=1.0, read=0.4)
    with pytest.raises(DownloadFailed, match=r"no connection; .*put vectors\.3d\.txt or vectors"):
        fetch_word_vectors("small", data, small)
    monkeypatch.setenv("BENCH_OFFLINE", "1")
    with pytest.raises(DownloadFailed, match="no download since BENCH_OFFLINE is set"):
        fetch_word_vectors("small", data)

    assert not list(data.iterdir())


def test_a_folder_that_cannot_be_made_is_named(data, tmp_path, monkeypatch):
    publish(monkeypatch, an_archive(data))
    elsewhere = tmp_path / "file"
    elsewhere.write_text("a file where the folder should be")
    monkeypatch.setattr(word_vectors, "wait_for_answer", lambda url, patience: None)
    with pytest.raises(DownloadFailed, match=r"cannot be written .*BENCH_DATA_DIR"):
        fetch_word_vectors("small", elsewhere)
