"""Reading the raw reviews from their archive or folder, and what can be wrong with them."""

from __future__ import annotations

import gzip
import io
import tarfile
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from text_world import assert_refused, cut, overwrite

from bench.errors import DataError
from bench.text import reading
from bench.text.corpus import Corpus
from bench.text.reading import FILTERS, build_corpus, read, words_of

TEXTS = {
    "aclImdb/train/neg/0_1.txt": "Bad film. Not GOOD!",
    "aclImdb/train/neg/1_2.txt": "bad, bad\tacting",
    "aclImdb/train/pos/0_9.txt": "A good film<br />It's good",
    "aclImdb/train/pos/1_8.txt": "good good plot",
    "aclImdb/test/neg/0_1.txt": "bad unheard film",
    "aclImdb/test/pos/0_9.txt": "it's good",
}


def write_archive(path: Path, texts: dict[str, str]) -> Path:
    with tarfile.open(path, "w:gz") as file:
        for name, text in texts.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            file.addfile(member, io.BytesIO(text.encode()))
    return path


def write_folder(path: Path, texts: dict[str, str]) -> Path:
    for name, text in texts.items():
        file = path / name.removeprefix("aclImdb/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return path


def spelled(corpus: Corpus, part: str) -> list[list[str]]:
    reviews = getattr(corpus, part)
    words = iter([corpus.words[rank - 1] for rank in reviews.ranks] if corpus.words else [])
    return [[next(words) for _ in range(length)] for length in reviews.lengths]


def test_words_are_parted_as_keras_parts_them() -> None:
    text = 'It\'s "GREAT"--(really)!\tTen/10\nÀ la carte; so-called'
    lowered = text.lower()
    for character in FILTERS:
        lowered = lowered.replace(character, " ")
    assert words_of(text) == [word for word in lowered.split(" ") if word]
    assert words_of(text)[:3] == ["it's", "great", "really"]


def test_ranks_follow_training_frequency_then_first_sight() -> None:
    corpus = build_corpus([("b a c a", 0), ("d c a", 1)], [("c a zzz d", 1)])
    assert corpus.words == ["a", "c", "b", "d"]
    assert corpus.train.ranks.tolist() == [3, 1, 2, 1, 4, 2, 1]
    assert corpus.test.ranks.tolist() == [2, 1, 4]
    assert corpus.test.lengths.tolist() == [3]


def test_archive_and_folder_hold_the_same_reviews_whatever_the_order(tmp_path: Path) -> None:
    backwards = dict(reversed(TEXTS.items()))
    first = reading.read_archive(write_archive(tmp_path / "aclImdb.tar.gz", TEXTS))
    second = reading.read_archive(write_archive(tmp_path / "other.tar.gz", backwards))
    third = reading.read_folder(write_folder(tmp_path / "aclImdb", TEXTS))
    for corpus in (first, second, third):
        assert corpus.words == first.words
        assert spelled(corpus, "train") == [
            ["bad", "film", "not", "good"],
            ["bad", "bad", "acting"],
            ["a", "good", "film", "br", "it's", "good"],
            ["good", "good", "plot"],
        ]
        assert spelled(corpus, "test") == [["bad", "film"], ["it's", "good"]]
        assert corpus.train.labels.tolist() == [0, 0, 1, 1]
    assert first.words is not None
    assert first.words[:3] == ["good", "bad", "film"]


def test_unsupervised_reviews_links_and_strays_are_skipped(tmp_path: Path) -> None:
    path = write_archive(
        tmp_path / "aclImdb.tar.gz",
        {
            **TEXTS,
            "aclImdb/train/unsup/0_0.txt": "secret",
            "aclImdb/train/urls_pos.txt": "secret",
            "aclImdb/train/pos/._0_9.txt": "secret",
            "aclImdb/train/pos/labels.feat": "secret",
        },
    )
    with tarfile.open(path, "r:gz") as old, tarfile.open(tmp_path / "new.tar.gz", "w:gz") as new:
        for member in old:
            new.addfile(member, old.extractfile(member))
        link = tarfile.TarInfo("aclImdb/train/pos/9_9.txt")
        link.type, link.linkname = tarfile.SYMTYPE, "../../../../secret"
        new.addfile(link)
    corpus = reading.read_archive(tmp_path / "new.tar.gz")
    assert len(corpus.train.labels) == 4
    assert corpus.words is not None
    assert "secret" not in corpus.words


def without(part: str) -> dict[str, str]:
    return {name: text for name, text in TEXTS.items() if part not in name}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda path: cut(write_archive(path, TEXTS)),
        overwrite,
        lambda path: write_archive(path, without("train/pos")),
        lambda path: write_archive(path, {**TEXTS, "train/pos/big.txt": " " * (2**20 + 1)}),
    ],
    ids=["cut short", "no archive", "no train/pos", "too large a member"],
)
def test_a_spoiled_archive_is_one_line_with_file_and_mend(
    tmp_path: Path, spoil: Callable[[Path], Path]
) -> None:
    assert_refused([spoil(tmp_path / "aclImdb.tar.gz")])


def test_an_archive_is_given_up_when_its_reviews_pass_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "LARGEST_TOTAL", 40)
    assert_refused(
        [write_archive(tmp_path / "aclImdb.tar.gz", TEXTS)], "unpacks to more than 40 bytes"
    )


def test_members_that_are_skipped_count_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "LARGEST_TOTAL", 1000)
    big = {**TEXTS, "aclImdb/train/unsup/0_0.txt": " " * 2000}
    assert_refused([write_archive(tmp_path / "aclImdb.tar.gz", big)], "unpacks to more than 1,000")
    monkeypatch.setattr(reading, "MOST_MEMBERS", 5)
    assert_refused([write_archive(tmp_path / "aclImdb.tar.gz", TEXTS)], "more than 5 members")


def claiming(size: int, kind: bytes = tarfile.REGTYPE, name: str = "readme") -> bytes:
    """The header of a member, with what size it may say."""
    member = tarfile.TarInfo(name)
    member.type, member.size = kind, size
    return member.tobuf(tarfile.GNU_FORMAT)


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "name", ["readme", "aclImdb/train/pos/0_9.txt", "aclImdb/train/unsup/0.txt"]
)
def test_a_member_of_ten_gigabytes_is_refused_at_its_header(tmp_path: Path, name: str) -> None:
    path = tmp_path / "aclImdb.tar.gz"
    path.write_bytes(gzip.compress(claiming(10 * 2**30, name=name) + bytes(4 * 2**20)))
    assert_refused([path], "unpacks to more than")


@pytest.mark.timeout(60)
@pytest.mark.parametrize("kind", [tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE, tarfile.XGLTYPE])
def test_a_header_that_unpacks_without_end_is_given_up(tmp_path: Path, kind: bytes) -> None:
    """The library reads the names that such a header holds at once, whatever their length."""
    path = tmp_path / "aclImdb.tar.gz"
    path.write_bytes(gzip.compress(claiming(2**30, kind) + bytes(64 * 2**20), 1))
    tracemalloc.start()
    try:
        assert_refused([path], "a header without end")
        assert tracemalloc.get_traced_memory()[1] < 16 * 2**20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "name", ["../../train/pos/9_9.txt", "/train/pos/9_9.txt", "aclImdb/train/pos/../../../evil.txt"]
)
def test_no_member_is_ever_written_anywhere(tmp_path: Path, name: str) -> None:
    path = write_archive(tmp_path / "aclImdb.tar.gz", {**TEXTS, name: "bad film"})
    reading.read_archive(path)
    assert [file.name for file in tmp_path.rglob("*")] == ["aclImdb.tar.gz"]
    assert not (tmp_path.parents[1] / "train").exists()


@pytest.mark.parametrize(
    "kind", [tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE]
)
def test_links_devices_and_pipes_with_the_name_of_a_review_are_skipped(
    tmp_path: Path, kind: bytes
) -> None:
    path = tmp_path / "aclImdb.tar.gz"
    with tarfile.open(path, "w:gz") as file:
        odd = tarfile.TarInfo("aclImdb/train/pos/9_9.txt")
        odd.type, odd.linkname = kind, "aclImdb/train/neg/0_1.txt"
        file.addfile(odd)
        for name, text in TEXTS.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            file.addfile(member, io.BytesIO(text.encode()))
    assert len(reading.read_archive(path).train.labels) == 4


def test_a_folder_without_a_part_is_refused(tmp_path: Path) -> None:
    assert_refused([write_folder(tmp_path / "aclImdb", without("test/neg"))], "test/neg")


def test_a_folder_of_pos_and_neg_alone_is_told_what_a_split_looks_like(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "aclImdb", TEXTS)
    assert_refused([folder / "train"], "has pos and neg, and no training and test reviews; give")
    mine = (folder / "train").rename(tmp_path / "reviews")
    assert_refused([mine], "give train/pos, train/neg, test/pos and test/neg")


def test_a_review_that_is_not_utf8_is_read_and_told(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "aclImdb", TEXTS)
    (folder / "train/pos/2_7.txt").write_bytes("It’s a café".encode("cp1252"))
    corpus = reading.read_folder(folder)
    assert ["it’s", "a", "café"] in spelled(corpus, "train")
    assert corpus.notes == ("read as Latin-1: 1 review not in UTF-8 (train/pos/2_7.txt first)",)
    assert read([folder]).meta["notes"][0] == corpus.notes[0]
    assert read([folder], official=True).meta["notes"] == []
    (folder / "train/pos/3_7.txt").write_bytes("a film".encode("utf-16"))
    assert_refused([folder], "train/pos/3_7.txt is no text, or UTF-16; save it as UTF-8")


def test_copies_of_reviews_are_counted_and_whether_they_conflict(tmp_path: Path) -> None:
    texts = {**TEXTS, "aclImdb/train/pos/7_7.txt": "bad bad acting", "aclImdb/test/pos/8_8.txt": ""}
    texts["aclImdb/test/pos/9_9.txt"] = texts["aclImdb/train/pos/1_8.txt"]
    notes = read([write_folder(tmp_path / "aclImdb", texts)]).meta["notes"]
    assert notes == [
        "the same as another, word by word: 1 training review; 1 text with both labels",
        "without words: 1 test review",
        "in training and in test: 1 review",
    ]


def test_two_sets_of_reviews_are_not_joined_in_silence(tmp_path: Path) -> None:
    first, second = (write_archive(tmp_path / f"{n}.tar.gz", TEXTS) for n in "ab")
    with pytest.raises(DataError, match="2 sets of reviews, which cannot be joined; give one"):
        read([first, second])


def test_files_of_no_known_kind_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"reviews\.csv.*imdb\.npz"):
        read([tmp_path / "reviews.csv"])
