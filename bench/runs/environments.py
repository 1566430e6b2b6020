"""Virtual environments for plugins whose REQUIRES is not met here, kept in the cache folder.

Each distinct set of requirements has one. It holds what the environment of this process lacks, or
has in another version; all else, the suite and Keras' backends among it, is seen through, as it
is here. So one that adds a package of 10 MB takes 10 MB, and what is compared is trained by the
same Keras. An environment stays as it was made until its folder is deleted, or what it rests on
here is no longer what it needs.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import importlib.util
import json
import os
import shutil
import site
import subprocess
import sys
import venv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import distributions
from pathlib import Path

import psutil
from filelock import FileLock, Timeout
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from bench.data.digests import cache_folder, offline
from bench.errors import BenchError, CannotRun
from bench.files import write_whole
from bench.formatting import one_line
from bench.machine import ENVIRONMENT, Packages
from bench.protocol import FAILED
from bench.registry.plugins import Plugin
from bench.registry.requirements import (
    normalised,
    packages_here,
    provided_by,
    required_by,
    unmet,
)
from bench.runs import processes
from bench.runs.launch import site_packages

#: Seconds that an installer may take, and another run that makes the same environment.
PATIENCE = 1800.0

_VersionOf = Callable[[str], str | None]


@dataclass(frozen=True)
class OwnEnvironment:
    """A virtual environment that is whole.

    ``packages`` are the versions of what it has of its own, ``modules`` says which of these has a
    module; ``installer`` made it.
    """

    folder: Path
    requires: tuple[str, ...]
    packages: Mapping[str, str]
    modules: Mapping[str, str]
    installer: str

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return _python(self.folder)

    @property
    def path(self) -> list[str]:
        """Where its trials look for packages, in this order."""
        return [str(site_packages(self.folder)), *sys.path]


class Environments:
    """Finds the packages of plugins, and makes environments for what is not here.

    ``say`` is told of each that has to be made, which may take minutes.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._found: dict[tuple[str, ...], OwnEnvironment | BenchError] = {}

    def __call__(self, plugin: Plugin, version_of: _VersionOf) -> Packages:
        """Return the packages that trials of a plugin find, here or in an environment.

        Args:
            plugin: What it requires, and what it imports.
            version_of: Returns the version of an importable package of this process.
        """
        here = packages_here(plugin, version_of)
        if not unmet(plugin.requires):
            return here
        found = self._environment(normalised(plugin.requires))
        if isinstance(found, CannotRun):
            wanted = " and ".join(normalised(plugin.requires))
            return Packages(version_of, reason=f"needs {wanted}, not installed here; {found}")
        if isinstance(found, BenchError):
            return Packages(version_of, status=FAILED, reason=str(found))
        return _packages_in(found, plugin, version_of)

    def _environment(self, requires: tuple[str, ...]) -> OwnEnvironment | BenchError:
        if requires not in self._found:
            try:
                self._found[requires] = environment_for(requires, self._say)
            except BenchError as error:
                # Several plugins, seeds and backends ask for it.
                self._found[requires] = error
        return self._found[requires]


def _packages_in(found: OwnEnvironment, plugin: Plugin, version_of: _VersionOf) -> Packages:
    def version_there(name: str) -> str | None:
        return found.packages[found.modules[name]] if name in found.modules else version_of(name)

    absent = [name for name in plugin.needs if version_there(name) is None]
    imported = {found.modules[name] for name in plugin.needs if name in found.modules}
    own = {name: version for name, version in found.packages.items() if name not in imported}
    return Packages(
        version_there,
        {**required_by(plugin, found.path), **own},
        str(found.python),
        reason=f"needs {' and '.join(absent)}, which nothing of its REQUIRES has" if absent else "",
    )


def environments_folder() -> Path:
    """Return the folder that holds all environments; it can be deleted at any time."""
    return cache_folder() / "environments"


def environment_for(requires: tuple[str, ...], say: Callable[[str], None]) -> OwnEnvironment:
    """Return the environment of a set of requirements, made if it is not there.

    One that is there is taken if it is whole and what it rests on is. Two runs may ask at once,
    and one may be killed: only one makes it, and it counts once its description is written.

    Args:
        requires: As ``normalised`` returns them.
        say: Is told what takes long.

    Raises:
        CannotRun: It would have to be downloaded, which BENCH_OFFLINE forbids.
        BenchError: It cannot be made; the message has what the installer said last.
    """
    folder = _folder_of(requires)
    try:
        if found := _whole(folder, requires):
            return found
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _alone(folder, say):
            return _whole(folder, requires) or _make(folder, requires, say)
    except OSError as error:
        raise BenchError(
            f"{folder}: the environment cannot be made ({error.strerror or error}); free some "
            "space, fix its permissions, or set BENCH_CACHE_DIR to another folder"
        ) from None


def _folder_of(requires: Sequence[str]) -> Path:
    # Another Python, or another environment below it, would find other packages beside it.
    told = json.dumps([*requires, sys.implementation.cache_tag, sys.prefix])
    names = "-".join(dict.fromkeys(Requirement(each).name for each in requires))
    return environments_folder() / f"{names[:60]}-{hashlib.sha256(told.encode()).hexdigest()[:12]}"


def _python(folder: Path) -> Path:
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _whole(folder: Path, requires: Sequence[str]) -> OwnEnvironment | None:
    """Return an environment that is there and still has what it needs, else None."""
    try:
        told = json.loads((folder / ENVIRONMENT).read_bytes())
        found = OwnEnvironment(
            folder, tuple(requires), told["packages"], told["modules"], told["installer"]
        )
    except (OSError, ValueError, LookupError, TypeError):
        return None
    is_as_made = found.python.exists() and _own_packages(folder) == found.packages
    return found if is_as_made and not _lacks(found) else None


def _lacks(found: OwnEnvironment) -> list[str]:
    """Return what is not met of the requirements, and of those of its own packages.

    What it rests on here may have been removed or changed since.
    """
    own = distributions(path=[str(site_packages(found.folder))])
    wanted = [*found.requires, *(line for each in own for line in each.requires or ())]
    return [str(each) for each in unmet(wanted, found.path)]


def _own_packages(folder: Path) -> dict[str, str]:
    own = distributions(path=[str(site_packages(folder))])
    return {canonicalize_name(each.metadata["Name"]): each.version for each in own}


@contextlib.contextmanager
def _alone(folder: Path, say: Callable[[str], None]) -> Iterator[None]:
    """Hold the lock of an environment; the system lets go of it when a process ends.

    Raises:
        BenchError: Another run holds it for too long.
        OSError: It cannot be locked.
    """
    lock = FileLock(f"{folder}.lock", fallback_to_soft=False)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        say(f"environment {folder.name}: another run is making it; waiting")
        try:
            lock.acquire(timeout=PATIENCE)
        except Timeout:
            raise BenchError(
                f"the environment {folder.name} has been made by another run for {PATIENCE:g} s; "
                "run again when that is done"
            ) from None
    try:
        yield
    finally:
        lock.release()


def _make(folder: Path, requires: tuple[str, ...], say: Callable[[str], None]) -> OwnEnvironment:
    shutil.rmtree(folder, ignore_errors=True)
    installer = _installer()
    say(f"environment for {', '.join(requires)}: made by {installer.name} (only once) ...")
    try:
        venv.create(folder, symlinks=os.name != "nt")
        (site_packages(folder) / "bench_below.pth").write_text(_see_through(), encoding="utf-8")
        installer.install(folder, requires)
        importlib.invalidate_caches()
        made = _described(folder, requires, installer.name)
        if lacking := _lacks(made):
            raise BenchError(f"{installer.name} left out {' and '.join(lacking)}")
        status, said = _called([str(made.python), "-c", "import bench.worker"])
        if status != 0:
            raise BenchError(f"the suite is not seen in it: {_last_words(said)}")
        content = {**asdict(made), "folder": str(folder)}
        write_whole(folder / ENVIRONMENT, json.dumps(content, indent=1).encode())
    except BaseException as error:
        shutil.rmtree(folder, ignore_errors=True)
        if isinstance(error, BenchError) and not isinstance(error, CannotRun):
            raise BenchError(f"its environment cannot be made: {error}") from None
        raise
    say(f"environment for {', '.join(requires)}: {_listed(made.packages)}")
    return made


def _listed(packages: Mapping[str, str]) -> str:
    told = ", ".join(f"{name} {version}" for name, version in packages.items())
    return one_line(told, longest=300) or "nothing of its own"


def _described(folder: Path, requires: tuple[str, ...], installer: str) -> OwnEnvironment:
    own = [*distributions(path=[str(site_packages(folder))])]
    modules = {
        module: canonicalize_name(each.metadata["Name"])
        for each in own
        for module in sorted(provided_by(each))
    }
    return OwnEnvironment(folder, requires, _own_packages(folder), modules, installer)


def _see_through() -> str:
    """Return what has Python look for packages here, after those of the environment itself.

    ``--system-site-packages`` would show those of the Python below a virtual environment, not
    the virtual environment's. A folder's own .pth files are read too: an editable install, of the
    suite itself say, is nothing else.
    """
    folders = [
        *site.getsitepackages(),
        *([site.getusersitepackages()] * bool(site.ENABLE_USER_SITE)),
    ]
    return f"import site; list(map(site.addsitedir, {folders!r}))\n"


# What installs: uv where it is there, else pip


@dataclass(frozen=True)
class Installer:
    """uv by its program, or pip of this Python where ``uv`` is ""."""

    uv: str

    @property
    def name(self) -> str:
        """Its name."""
        return "uv" if self.uv else "pip"

    def install(self, folder: Path, requires: Sequence[str]) -> None:
        """Install what an environment lacks of these requirements, and of what they need.

        Raises:
            CannotRun: It would have to be downloaded, which BENCH_OFFLINE forbids.
            BenchError: It cannot be installed.
        """
        if self.uv:
            self._by_uv(folder, requires)
        else:
            # pip itself sees what is here, and leaves it where it is.
            words = "--disable-pip-version-check", "--no-input", "--progress-bar=off"
            no_index = ["--no-index"] if offline() else []
            pip = [sys.executable, "-m", "pip", "--python", str(_python(folder)), "install"]
            self._call([*pip, *words, *no_index, *requires])

    def _by_uv(self, folder: Path, requires: Sequence[str]) -> None:
        """Resolve with a preference for the versions that are here, install those that are not.

        uv sees nothing but what lies in the environment itself (astral-sh/uv#4466).
        """
        uv = [self.uv, *(["--offline"] if offline() else []), "pip"]
        there = ["--python", str(_python(folder))]
        wanted, resolved = folder / "wanted.txt", folder / "resolved.txt"
        # Of several with one name Python takes the first.
        there_first = [*distributions()][::-1]
        here = {str(canonicalize_name(d.metadata["Name"])): d.version for d in there_first}
        wanted.write_text("\n".join(requires), encoding="utf-8")
        resolved.write_text(_pins(here.items()), encoding="utf-8")
        words = "--no-header", "--no-annotate", "--quiet", "--output-file"
        self._call([*uv, "compile", *there, *words, str(resolved), str(wanted)])
        found = [*map(_pin, resolved.read_text(encoding="utf-8").splitlines())]
        wanted.write_text(_pins(pin for pin in found if here.get(pin[0]) != pin[1]))
        self._call([*uv, "install", *there, "--no-deps", "--quiet", "--requirement", str(wanted)])

    def _call(self, words: Sequence[str]) -> None:
        status, said = _called(words)
        if status != 0 and offline():
            raise CannotRun("BENCH_OFFLINE forbids to download it")
        if status != 0 and any(sign in said for sign in _UNREACHABLE):
            raise BenchError(f"{self.name} reaches no package index from here; run again online")
        if status != 0:
            raise BenchError(f"{self.name}: {_last_words(said)}")


def _installer() -> Installer:
    """Return what there is.

    Raises:
        BenchError: There is neither.
    """
    found = shutil.which("uv", path=os.pathsep.join([*_SCRIPTS, os.environ.get("PATH", "")]))
    if found is None and importlib.util.find_spec("pip") is None:
        raise BenchError("there is neither uv nor pip; install uv, https://docs.astral.sh/uv")
    return Installer(found or "")


_SCRIPTS = (str(Path(sys.executable).parent),)

_LONGEST_WORDS = 200

#: What uv and pip say where there is no network.
_UNREACHABLE = (
    "dns error",
    "Could not connect",
    "NewConnectionError",
    "Network is unreachable",
    "Temporary failure in name resolution",
)


def _called(words: Sequence[str]) -> tuple[int, str]:
    """Run a program without a terminal; return its status and what it said.

    Raises:
        BenchError: It takes too long.
    """
    environment = {**os.environ, "PIP_USER": "0", "NO_COLOR": "1"}
    with psutil.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment,
        errors="replace",
    ) as process:
        try:
            said, _ = process.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            raise BenchError(f"{Path(words[0]).stem} took longer than {PATIENCE:g} s") from None
        finally:
            if processes.is_alive(process):
                processes.kill_tree(process)
    return process.returncode, said


def _last_words(said: str) -> str:
    """Return the last lines, three at most, as far as a row has room for them."""
    # uv draws a tree of causes.
    lines = [line.strip(" ×│├╰─▶") for line in said.splitlines()]
    told = ""
    for line in [line for line in lines if line and not line.startswith("WARNING")][-1:-4:-1]:
        if told and len(line) + len(told) >= _LONGEST_WORDS:
            break
        told = f"{line} {told}"
    return one_line(told, longest=_LONGEST_WORDS)


def _pins(versions: Iterable[tuple[str, str]]) -> str:
    return "".join(f"{name}=={version}\n" for name, version in versions)


def _pin(line: str) -> tuple[str, str]:
    requirement = Requirement(line)
    (version,) = (each.version for each in requirement.specifier)
    return canonicalize_name(requirement.name), version
