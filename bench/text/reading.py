"""Which reader a bundle of raw files is for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bench.errors import DataError
from bench.task import Prepared
from bench.text.archive import read_archive, read_folder
from bench.text.corpus import Corpus, prepare
from bench.text.keras_npz import read_npz


def read(files: Sequence[Path]) -> Prepared:
    """Parse Keras' ``imdb.npz`` (with its word index or without), or aclImdb's archive or folder.

    Raises:
        DataError: the files are damaged, of another layout, or none of these.
    """
    corpus = _corpus(files)
    return prepare(corpus, ", ".join(path.name for path in files))


def _corpus(files: Sequence[Path]) -> Corpus:
    for path in files:
        if path.suffix == ".npz":
            index = next((other for other in files if other.suffix == ".json"), None)
            return read_npz(path, index)
        if path.is_dir():
            return read_folder(path)
        if path.name.endswith((".tar.gz", ".tgz")):
            return read_archive(path)
    raise DataError(
        f"{', '.join(map(str, files)) or 'no file'}: not reviews that can be read; name an "
        "imdb.npz, an aclImdb .tar.gz or an aclImdb folder"
    )
