"""``python -m campaigns.site [DIR]``: build the pages of ``docs`` as a site, strictly.

The pages link to files beside ``docs`` (the README, the leaderboard), so that the site is built
from a copy in which all of them lie as they do here. What stands in its navigation is what
``docs/index.md`` lists. A link to nothing, or an anchor that is not there, fails the build.
Exit status: that of the build.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
#: What pages link to, beside the pages themselves.
LINKED = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE", "docs", "reports", "plugins")
#: Records and what else a working folder has are no pages.
_LEFT_OUT = shutil.ignore_patterns("__pycache__", "records", "*.npz")

Section = tuple[str, list[tuple[str, str]]]


def sections(index: str) -> list[Section]:
    """Return the sections of the index, each with the titles and files of its pages."""
    found: list[Section] = []
    for part in re.split(r"^## ", index, flags=re.MULTILINE)[1:]:
        heading, _, rest = part.partition("\n")
        pages = re.findall(r"^- \[([^\]]+)\]\(([^)#]+)\)", rest, flags=re.MULTILINE)
        listed = [(title, _in_the_copy(page)) for title, page in pages if page.endswith(".md")]
        found.append((heading, listed))
    return found


def navigation(found: list[Section]) -> str:
    """Return the sections as Zensical's ``nav``."""
    entries = []
    for heading, pages in found:
        listed = ", ".join(f"{{{json.dumps(t)} = {json.dumps(page)}}}" for t, page in pages)
        entries.append(f"{{{json.dumps(heading)} = [{listed}]}}")
    return f"nav = [{', '.join(entries)}]"


def build(site: Path) -> int:
    """Build the site into a folder and return the status of the build."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for name in LINKED:
            source, target = ROOT / name, copy / "pages" / name
            if source.is_dir():
                shutil.copytree(source, target, ignore=_LEFT_OUT)
            else:
                target.parent.mkdir(exist_ok=True)
                shutil.copy(source, target)
        shutil.copytree(ROOT / "bench", copy / "bench", ignore=_LEFT_OUT)
        settings = (ROOT / "docs" / "zensical.toml").read_text(encoding="utf-8")
        index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
        settings = settings.replace("nav = []", navigation(sections(index)), 1)
        (copy / "zensical.toml").write_text(settings, encoding="utf-8")
        done = subprocess.run([sys.executable, "-m", "zensical", "build", "--strict"], cwd=copy)
        if done.returncode == 0:
            shutil.rmtree(site, ignore_errors=True)
            shutil.copytree(copy / "site", site)
    return done.returncode


def _in_the_copy(target: str) -> str:
    """Return where a page lies in the copy that the index links to."""
    return target.removeprefix("../") if target.startswith("../") else f"docs/{target}"


if __name__ == "__main__":
    sys.exit(build(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "build" / "site"))
