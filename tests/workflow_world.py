"""GitHub's workflows of ``docs/ci.md``, run step by step on this machine, with GitHub made up."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

PAGE = (Path(__file__).parents[1] / "docs" / "ci.md").read_text(encoding="utf-8")
WORKFLOWS = [yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)]
REPOSITORY = "someone/models"
BOT = "github-actions[bot]"

#: What a step may use that is none of its own: nothing to do here, where all is there already.
_PREPARED = ("actions/checkout@", "actions/setup-python@", "actions/cache")

_GH = """
import json, os, re, subprocess, sys
words, options, place = sys.argv[2:], {}, None
assert sys.argv[1] == "api", sys.argv
while words:
    word = words.pop(0)
    if word in ("--jq", "-X", "-F"):
        options[word] = words.pop(0)
    elif word in ("--paginate", "--silent"):
        options[word] = True
    else:
        assert place is None, (place, word)
        place = word
hub_file = os.environ["MADE_UP_HUB"]
with open(hub_file, encoding="utf-8") as file:
    hub = json.load(file)
method = options.get("-X", "POST" if "-F" in options else "GET")
hub["calls"].append(f"{method} {place}")
body = None
if "-F" in options:
    name, _, value = options["-F"].partition("=")
    assert name == "body" and value.startswith("@"), options["-F"]
    with open(value[1:], encoding="utf-8") as file:
        body = file.read()

def answer():
    rest = place.removeprefix(f"repos/{hub['repository']}/")
    if found := re.fullmatch(r"actions/runs/(\\d+)/artifacts", rest):
        described = [{key: each[key] for key in ("id", "name", "size_in_bytes")}
                     for each in hub["artifacts"] if str(each["run"]) == found[1]]
        return [{"total_count": len(described), "artifacts": described}]
    if found := re.fullmatch(r"actions/artifacts/(\\d+)/zip", rest):
        (file,) = [each["file"] for each in hub["artifacts"] if str(each["id"]) == found[1]]
        with open(file, "rb") as content:
            sys.stdout.buffer.write(content.read())
        return []
    if found := re.fullmatch(r"pulls/(\\d+)", rest):
        return [hub["pulls"][found[1]]] if found[1] in hub["pulls"] else None
    if found := re.fullmatch(r"issues/(\\d+)/comments", rest):
        if found[1] not in hub["pulls"]:
            return None
        here = [each for each in hub["comments"] if each["pull"] == int(found[1])]
        if method == "GET":
            pages = [here[start:start + 2] for start in range(0, len(here), 2)] or [[]]
            return pages if "--paginate" in options else pages[:1]
        hub["comments"].append({"id": 1000 + len(hub["comments"]), "pull": int(found[1]),
                                "user": {"login": hub["bot"]}, "body": body})
        return [hub["comments"][-1]]
    if (found := re.fullmatch(r"issues/comments/(\\d+)", rest)) and method == "PATCH":
        (comment,) = [each for each in hub["comments"] if str(each["id"]) == found[1]]
        comment["body"] = body
        return [comment]
    raise SystemExit(f"the made up GitHub knows no {method} {place}")

pages = answer()
with open(hub_file, "w", encoding="utf-8") as file:
    json.dump(hub, file)
if pages is None:
    raise SystemExit("gh: Not Found (HTTP 404)")
for page in [] if "--silent" in options else pages:
    if "--jq" in options:
        subprocess.run(["jq", "-r", options["--jq"]], input=json.dumps(page), text=True, check=True)
    else:
        print(json.dumps(page))
"""


@dataclass
class Step:
    """How a step of a job ended: ``status`` is its exit status, ``said`` all that it printed."""

    name: str
    status: int
    said: str


@dataclass
class Machine:
    """A machine of GitHub's, with a repository checked out in ``folder``.

    ``programs`` are the scripts that are found before all others, by name; ``environment`` is what
    differs from this process's. ``saved`` holds the zipped artifacts by name.
    """

    folder: Path
    programs: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    saved: dict[str, bytes] = field(default_factory=dict)

    def do(self, workflow: Mapping[str, Any], github: Mapping[str, Any]) -> list[Step]:
        """Do the only job of a workflow; return the steps that ran commands.

        Args:
            workflow: As the page has it.
            github: What ``${{ github.NAME }}`` stands for, by the name.
        """
        (job,) = workflow["jobs"].values()
        tools = self.folder.parent / "tools"
        tools.mkdir(exist_ok=True)
        for name, script in self.programs.items():
            (tools / name).write_text(script, encoding="utf-8")
            (tools / name).chmod(0o755)
        shell = workflow.get("defaults", {}).get("run", {}).get("shell")
        strict = ["--noprofile", "--norc", "-eo", "pipefail"] if shell == "bash" else ["-e"]
        done: list[Step] = []
        for step in job["steps"]:
            failed = any(each.status for each in done)
            if not _is_due(step.get("if"), github, failed):
                continue
            if "run" not in step:
                self._use(step)
                continue
            told = {**workflow.get("env", {}), **job.get("env", {})}
            environment = {
                **os.environ,
                "PATH": os.pathsep.join([str(tools), os.environ["PATH"]]),
                "GITHUB_ACTIONS": "true",
                "GITHUB_REPOSITORY": REPOSITORY,
                **{name: filled(text, github) for name, text in told.items()},
                **self.environment,
            }
            ran = subprocess.run(
                ["bash", *strict, "-c", filled(step["run"], github)],
                cwd=self.folder,
                env=environment,
                capture_output=True,
                text=True,
                timeout=240,
            )
            name = step.get("name", step["run"].split(" -", 1)[0])
            done.append(Step(name, ran.returncode, ran.stdout + ran.stderr))
        return done

    def _use(self, step: Mapping[str, Any]) -> None:
        if step["uses"].startswith("actions/upload-artifact@"):
            files = [self.folder / name for name in step["with"]["path"].split()]
            self.saved[step["with"]["name"]] = zipped(
                {file.name: file.read_bytes() for file in files if file.is_file()}
            )
        else:
            assert step["uses"].startswith(_PREPARED), step


def filled(text: str, github: Mapping[str, Any]) -> str:
    """Put values in the place of ``${{ github.NAME }}``; another expression is an error."""
    return re.sub(r"\$\{\{ github\.([\w.]+) \}\}", lambda found: str(github[found[1]]), text)


def _is_due(condition: str | None, github: Mapping[str, Any], failed: bool) -> bool:
    if condition == "always()":
        return True
    if condition is None:
        return not failed
    found = re.fullmatch(r"github\.([\w.]+) == '([^']*)'", condition)
    assert found, f"no test knows what {condition!r} means"
    return not failed and github[found[1]] == found[2]


def zipped(files: Mapping[str, bytes]) -> bytes:
    """Return an archive of files, by their names in it."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, written in files.items():
            archive.writestr(name, written)
    return content.getvalue()


@dataclass
class Hub:
    """A GitHub with one repository: its pull requests, their comments, what runs have saved."""

    folder: Path

    def __post_init__(self) -> None:
        empty = {"repository": REPOSITORY, "bot": BOT, "calls": [], "comments": []}
        self._write({**empty, "pulls": {}, "artifacts": []})

    def pull(self, number: int, sha: str, fork: str = "stranger/models") -> None:
        """Open a pull request, or push another commit to it."""
        with self._changed() as hub:
            head = {"sha": sha, "repo": {"full_name": fork}}
            hub["pulls"][str(number)] = {"number": number, "head": head}

    def comment(self, pull: int, author: str, body: str) -> None:
        """Have somebody comment."""
        with self._changed() as hub:
            each = {"id": 1000 + len(hub["comments"]), "pull": pull, "body": body}
            hub["comments"].append({**each, "user": {"login": author}})

    def save(self, run: int, name: str, content: bytes) -> None:
        """Keep the artifact of a run."""
        with self._changed() as hub:
            number = 1 + len(hub["artifacts"])
            file = self.folder / f"artifact-{number}.zip"
            file.write_bytes(content)
            about = {"id": number, "run": run, "name": name, "size_in_bytes": len(content)}
            hub["artifacts"].append({**about, "file": str(file)})

    @property
    def comments(self) -> list[tuple[str, str]]:
        """Author and text of each comment, in their order."""
        return [(each["user"]["login"], each["body"]) for each in self._read()["comments"]]

    @property
    def calls(self) -> list[str]:
        """What was asked of GitHub, as "GET repos/..."."""
        found: list[str] = self._read()["calls"]
        return found

    @property
    def writes(self) -> list[str]:
        """What was asked of GitHub beside reading."""
        return [call for call in self.calls if not call.startswith("GET ")]

    def machine(self) -> Machine:
        """Return an empty machine whose ``gh`` talks to this GitHub."""
        number = len([*self.folder.glob("machine-*")])
        folder = self.folder / f"machine-{number}" / "work"
        folder.mkdir(parents=True)
        script = f"#!{sys.executable} -ES\n{_GH}"
        return Machine(folder, {"gh": script}, {"MADE_UP_HUB": str(self._file)})

    @property
    def _file(self) -> Path:
        return self.folder / "hub.json"

    def _read(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._file.read_text(encoding="utf-8"))
        return found

    def _write(self, hub: Mapping[str, Any]) -> None:
        self._file.write_text(json.dumps(hub), encoding="utf-8")

    @contextmanager
    def _changed(self) -> Iterator[dict[str, Any]]:
        hub = self._read()
        yield hub
        self._write(hub)
