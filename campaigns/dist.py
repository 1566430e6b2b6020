"""``python -m campaigns.dist [DIR]``: build the sdist, the wheel from it, and use the wheel.

The wheel has to hold all that the tree has of the suite. It is installed, by pip and without an
index, in an environment that has its dependencies from this one's site-packages and nothing else,
and runs from an empty folder: a list of all plugins, a trial. Exit status: 0 all is well; 1 not,
and the last line says what.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[1]
#: Where the wheel has what the tree has.
PLACES = {
    "bench": "bench",
    "plugins": "bench/shipped/plugins",
    "datasets": "bench/shipped/datasets",
}
_MADE = {"__pycache__", ".mypy_cache"}
#: A trial of no time and one of Keras.
_TRIED = ("jena_naive", "jena_dense")


def in_the_tree(root: Path) -> set[str]:
    """Return what of a tree belongs into the wheel, by its names there."""
    return {
        f"{place}/{file.relative_to(root / folder).as_posix()}"
        for folder, place in PLACES.items()
        for file in (root / folder).rglob("*")
        if file.is_file() and not _MADE.intersection(file.parts)
    }


def built(target: Path) -> Path:
    """Build the sdist into a folder, and of it the wheel; check both; return the wheel."""
    _python("-m", "build", "--no-isolation", "--outdir", str(target), str(ROOT))
    (wheel,), (sdist,) = target.glob("*.whl"), target.glob("*.tar.gz")
    _python("-m", "twine", "check", "--strict", str(wheel), str(sdist))
    with zipfile.ZipFile(wheel) as archive:
        absent = in_the_tree(ROOT) - {*archive.namelist()}
    if absent:
        sys.exit(f"{wheel.name} lacks {', '.join(sorted(absent))}")
    return wheel


def used(wheel: Path, folder: Path) -> None:
    """Install a wheel in an environment of its own, and run it in an empty folder."""
    home, work = folder / "python", folder / "work"
    work.mkdir()
    _python("-m", "venv", "--without-pip", str(home))
    python = home / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    paths = {"base": str(home), "platbase": str(home)}
    library = Path(sysconfig.get_path("purelib", scheme="venv", vars=paths))
    offline = ["--no-index", "--no-deps", "--ignore-installed", "--target", str(library)]
    _python("-m", "pip", "install", "--quiet", *offline, str(wheel))
    # Behind the wheel: a suite that is installed here is not the one that is meant.
    theirs = [path for path in sys.path if Path(path).name in ("site-packages", "dist-packages")]
    library.joinpath("dependencies.pth").write_text("\n".join(theirs), encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment |= {"BENCH_OFFLINE": "1", "BENCH_DATA_DIR": str(folder / "no-data")}
    environment |= {"BENCH_CACHE_DIR": str(folder / "cache")}

    def bench(*words: str) -> str:
        return _said([str(python), "-m", "bench", *words], work, environment)

    where = _said([str(python), "-c", "import bench; print(bench.__file__)"], work, environment)
    if not Path(where.strip()).is_relative_to(home):
        sys.exit(f"not the wheel's suite was run, but {where.strip()}")
    listed = json.loads(bench("list", "--json"))
    print(f"{len(listed['plugins'])} plugins, {len(listed['tasks'])} tasks")
    print(bench("run", *_TRIED, "--profile", "smoke"))


def _python(*words: str) -> None:
    if subprocess.run([sys.executable, *words]).returncode:
        sys.exit(f"failed: python {' '.join(words)}")


def _said(words: list[str], folder: Path, environment: Mapping[str, str]) -> str:
    done = subprocess.run(words, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"failed: {' '.join(words)}")
    return done.stdout


def main() -> None:
    """Build into the folder that is named, or into ``dist``."""
    with tempfile.TemporaryDirectory() as folder:
        target = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(folder) / "dist"
        wheel = built(target)
        used(wheel, Path(folder))
        print(f"{wheel.name} is complete, and runs")


if __name__ == "__main__":
    main()
