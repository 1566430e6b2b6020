"""What the REQUIRES of a plugin declares: packages and their versions, and which are not here.

A requirement is written as for pip (PEP 508): a name, its versions, and where it counts, as in
``["lightgbm>=4", "pywin32; sys_platform == 'win32'"]``. Nothing of a package is imported.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.metadata import Distribution, distributions
from typing import TYPE_CHECKING, Any, Protocol

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion

from bench.registry.declarations import Declarations, Problem

if TYPE_CHECKING:
    from bench.machine import Packages

_EXAMPLE = "REQUIRES must be a list of texts as for pip, like ['lightgbm>=4']"


class Requiring(Protocol):
    """What is known of a plugin's packages: what it imports, and what it requires."""

    @property
    def needs(self) -> tuple[str, ...]:
        """The names that it imports."""

    @property
    def requires(self) -> tuple[str, ...]:
        """Its requirements, as it declares them."""


def requirement_problems(found: Declarations) -> Iterator[Problem]:
    """Tell what is wrong with the REQUIRES of a file that has one, each with its line."""
    constant = found.constants["REQUIRES"]
    if not isinstance(constant.value, list):
        yield Problem(str(found.path), constant.line, _EXAMPLE)
        return
    for word in constant.value:
        if wrong := _complaint(word):
            line = constant.key_lines.get(word, constant.line) if isinstance(word, str) else None
            yield Problem(str(found.path), line or constant.line, wrong)


def _complaint(word: Any) -> str:
    if not isinstance(word, str):
        return f"{_EXAMPLE}, not of {word!r}"
    try:
        requirement = Requirement(word)
    except InvalidRequirement as error:
        why = str(error).partition("\n")[0]
        return f"REQUIRES: {word!r} is no requirement ({why}); write it as for pip, 'lightgbm>=4'"
    if requirement.url:
        return (
            f"REQUIRES: {word!r} gives an address, behind which anything may be; name a version, "
            f"as in '{requirement.name}==1.0', and let PIP_FIND_LINKS or UV_FIND_LINKS say where"
        )
    return ""


def applicable(requires: Iterable[str]) -> list[Requirement]:
    """Return the requirements whose marker holds here, without it."""
    found = []
    for requirement in map(Requirement, requires):
        if requirement.marker is None or requirement.marker.evaluate():
            requirement.marker = None
            found.append(requirement)
    return found


def normalised(requires: Iterable[str]) -> tuple[str, ...]:
    """Return what is required here in one spelling and order, each once."""
    found = applicable(requires)
    for requirement in found:
        requirement.name = canonicalize_name(requirement.name)
    return tuple(sorted({*map(str, found)}))


def unmet(requires: Iterable[str], path: Sequence[str] | None = None) -> dict[Requirement, str]:
    """Return the requirements that are not met, each with the version that is there, or "".

    Those of the extras that a requirement names are among them.

    Args:
        requires: As a plugin declares them.
        path: The folders in which packages are looked for; by default those of this process.
    """
    wanted, wrong = applicable(requires), {}
    for requirement in wanted:  # It grows meanwhile.
        found = distribution(requirement.name, path)
        version = found.version if found else ""
        if not _contains(requirement, version):
            wrong[requirement] = version
        elif found:
            wanted += [each for each in _of_extras(requirement, found) if each not in wanted]
    return wrong


def distribution(name: str, path: Sequence[str] | None = None) -> Distribution | None:
    """Return an installed package by the name that pip has for it, None where it is absent."""
    found = next(iter(distributions(name=name, path=[*(sys.path if path is None else path)])), None)
    # One that was removed by half has a folder and no version.
    return found if found and found.version else None


def _contains(requirement: Requirement, version: str) -> bool:
    try:
        return bool(version) and requirement.specifier.contains(version, prereleases=True)
    except InvalidVersion:
        return not requirement.specifier


def _of_extras(requirement: Requirement, found: Distribution) -> Iterator[Requirement]:
    for each in map(Requirement, found.requires or () if requirement.extras else ()):
        if each.marker is None or each.marker.evaluate({"extra": ""}):
            continue  # That it wants in any case.
        if any(each.marker.evaluate({"extra": extra}) for extra in requirement.extras):
            each.marker = None
            yield each


def absence(
    plugin: Requiring,
    version_of: Callable[[str], str | None] = lambda name: "",
) -> str:
    """Say which of a plugin's packages are not here, and what installs them; "" for none.

    Args:
        plugin: What it requires is looked up; of what it imports ``version_of`` is asked.
        version_of: Returns the version of an importable package, None if it is absent.
    """
    if wrong := unmet(plugin.requires):
        lacking = [str(each) for each, version in wrong.items() if not version]
        told = [f"{' and '.join(lacking)}, not installed here"] if lacking else []
        told += [f"{r}, and {r.name} {v} is installed here" for r, v in wrong.items() if v]
        words = " ".join(f'"{each}"' for each in wrong)
        return f"needs {'; '.join(told)}: pip install {words}, or run --environments"
    absent = [name for name in plugin.needs if version_of(name) is None]
    return f"needs {' and '.join(absent)}, not installed here" if absent else ""


def packages_here(plugin: Requiring, version_of: Callable[[str], str | None]) -> Packages:
    """Return the packages that trials of a plugin find where this process runs."""
    from bench.machine import Packages

    return Packages(version_of, required_by(plugin), reason=absence(plugin, version_of))


def required_by(plugin: Requiring, path: Sequence[str] | None = None) -> dict[str, str]:
    """Return the versions of what a plugin requires and does not import by its name.

    What it imports is known by the name that it imports.
    """
    found = [distribution(each.name, path) for each in applicable(plugin.requires)]
    return {
        canonicalize_name(each.metadata["Name"]): each.version
        for each in found
        if each and not provided_by(each) & {*plugin.needs}
    }


def provided_by(found: Distribution) -> set[str]:
    """Return the names under which a package is imported."""
    if declared := (found.read_text("top_level.txt") or "").split():
        return {*declared}
    # The first part of each path: ``found.files`` takes a hundred times as long.
    firsts = {_FIRST.split(line, 1)[0] for line in (found.read_text("RECORD") or "").splitlines()}
    names = {first.partition(".")[0] for first in firsts if not first.endswith(_NO_MODULES)}
    return names - {"", "__pycache__"}


_FIRST = re.compile("[/,]")
_NO_MODULES = (".dist-info", ".egg-info", ".data", ".libs", ".pth", "..")
