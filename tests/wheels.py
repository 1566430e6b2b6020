"""Packages that are on no index: wheels, made by hand, that an installer finds in a folder."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

WHEEL = "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def a_wheel(
    folder: Path, name: str, version: str, source: str = "", requires: Sequence[str] = ()
) -> Path:
    """Write the wheel of a package of one module, both of this name."""
    module = name.replace("-", "_")
    lines = [f"Name: {name}", f"Version: {version}", *(f"Requires-Dist: {r}" for r in requires)]
    about = f"{module}-{version}.dist-info"
    files = {
        f"{module}.py": source or f"VERSION = {version!r}\n",
        f"{about}/METADATA": "\n".join(["Metadata-Version: 2.1", *lines]) + "\n",
        f"{about}/WHEEL": WHEEL,
    }
    record = f"{about}/RECORD"
    files[record] = "".join(f"{path},,\n" for path in [*files, record])
    path = folder / f"{module}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for file, content in files.items():
            archive.writestr(file, content)
    return path


def only_from(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have uv and pip look for packages in a folder and nowhere else."""
    for name in ("PIP_NO_INDEX", "UV_NO_INDEX"):
        monkeypatch.setenv(name, "1")
    for name in ("PIP_FIND_LINKS", "UV_FIND_LINKS"):
        monkeypatch.setenv(name, str(folder))
    for name in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "UV_INDEX_URL", "UV_INDEX"):
        monkeypatch.delenv(name, raising=False)
