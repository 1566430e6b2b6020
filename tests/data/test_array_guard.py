"""Prepared arrays stay as they were verified: what a trial did to them is found and repaired."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from data_world import World, make_world

from bench.data import prepared, survey
from bench.data.encoded import keep
from bench.data.prepared import open_prepared, prepare
from bench.data.ready import ArrayGuard
from bench.data.sources import resolve

VALUES = [3, 1, 4, 1, 5]


class Guarded:
    """A task with the targets of its test split apart, a view that is kept, and a guard."""

    def __init__(self, world: World) -> None:
        self.world = world.declare(test_targets=["values"])
        world.put("numbers.txt")
        self.source = resolve(self.world.info)
        self.folder = self.prepare()
        self.keep()
        self.guard = ArrayGuard(self.folder, self.prepare)
        assert self.guard.make_sound() == ""

    def prepare(self) -> Path:
        return prepare(self.world.info, self.source, say=lambda line: None)

    def keep(self) -> None:
        kept = keep(self.folder, {"view": 1}, lambda: {"rows": np.arange(6)})
        assert kept is not None
        assert kept["rows"].tolist() == [*range(6)]

    @property
    def targets(self) -> Path:
        return self.folder.parent.parent / prepared.TARGETS / self.folder.name / "values.npy"

    @property
    def kept(self) -> Path:
        (found,) = prepared.kept_of(self.folder)
        return found


@pytest.fixture
def guarded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Guarded:
    return Guarded(make_world(tmp_path, monkeypatch))


def flip(file: Path) -> None:
    """Change the last byte, and set the time of the change back."""
    before = file.stat()
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.chmod(0o644)
    file.write_bytes(bytes(content))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_targets_of_the_test_split_lie_apart_and_are_blank_but_for_whoever_scores(guarded):
    assert not (guarded.folder / "values.npy").exists()
    assert open_prepared(guarded.folder).arrays["values"].tolist() == [0] * 5
    opened = open_prepared(guarded.folder, with_targets=True)
    assert opened.arrays["values"].tolist() == VALUES


def test_blank_targets_with_fractions_are_no_numbers(tmp_path):
    from bench.task import Prepared

    folder = tmp_path / "prepared" / "made"
    arrays = {"y": np.ones(3, "float32"), "x": np.ones(2)}
    prepared.write_folder(folder, Prepared(arrays, {}), {}, apart=["y"])
    found = open_prepared(folder).arrays
    assert np.isnan(found["y"]).all()
    assert (found["y"].dtype, found["y"].shape) == (np.dtype("float32"), (3,))


def test_nobody_may_write_to_prepared_arrays_and_encoded_views(guarded):
    files = [*guarded.folder.glob("*.npy"), *guarded.kept.glob("*.npy"), guarded.targets]
    assert {file.stat().st_mode & 0o777 for file in files} == {0o444}


def test_what_nobody_touched_is_whole_and_made_sound_at_once(guarded):
    (guarded.folder / "mean.npy").touch()  # Another time, the same content.
    assert guarded.guard.is_whole()
    assert guarded.guard.changed() == ""
    assert guarded.guard.make_sound() == ""


@pytest.mark.parametrize("which", ["array", "targets", "description"])
def test_changed_arrays_are_noticed_and_prepared_again(guarded, which):
    files = {"array": guarded.folder / "mean.npy", "targets": guarded.targets}
    flip(files.get(which, guarded.folder / "meta.json"))

    assert guarded.guard.changed() == str(guarded.folder)
    assert not guarded.guard.is_whole()
    assert guarded.guard.make_sound() == guarded.folder.name
    assert guarded.guard.is_whole()
    again = open_prepared(guarded.folder, with_targets=True).arrays
    assert (again["values"].tolist(), float(again["mean"])) == (VALUES, 2.8)


def test_other_arrays_with_a_description_of_their_own_are_not_taken_for_these(guarded):
    from bench.task import Prepared

    whole = open_prepared(guarded.folder, with_targets=True)
    other = Prepared({name: array * 0 for name, array in whole.arrays.items()}, whole.meta)
    label = prepared._read_description(guarded.folder)["label"]
    prepared.discard(guarded.folder)
    prepared.write_folder(guarded.folder, other, label, ["values"])

    assert prepared.array_damage(guarded.folder, thorough=True) is None
    assert guarded.guard.changed() == str(guarded.folder)
    guarded.guard.make_sound()
    assert open_prepared(guarded.folder, with_targets=True).arrays["values"].tolist() == VALUES


@pytest.mark.parametrize("name", ["mean.npy", "meta.json"])
def test_arrays_that_another_process_made_sound_again_are_known_to_have_been_replaced(
    guarded: Guarded, name: str
) -> None:
    assert guarded.guard.replaced() == ""
    flip(guarded.folder / name)
    assert ArrayGuard(guarded.folder, guarded.prepare).make_sound() == guarded.folder.name

    assert guarded.guard.changed() == ""
    assert guarded.guard.replaced() == str(guarded.folder)
    assert guarded.guard.make_sound() == ""
    assert guarded.guard.replaced() == ""


def test_deleted_arrays_are_missing_and_not_changed_and_prepared_again(guarded):
    prepared.discard(guarded.folder)

    assert guarded.guard.changed() == ""
    assert not guarded.guard.is_whole()
    guarded.guard.make_sound()
    assert open_prepared(guarded.folder).arrays["mean"] == pytest.approx(2.8)


def test_a_poisoned_view_is_noticed_and_made_again(guarded):
    flip(guarded.kept / "rows.npy")

    poisoned = guarded.kept
    assert guarded.guard.changed() == str(poisoned)
    assert guarded.guard.make_sound() == poisoned.name
    assert prepared.kept_of(guarded.folder) == []
    guarded.keep()


@pytest.mark.parametrize("harm", [flip, Path.unlink], ids=["changed", "deleted"])
def test_damage_from_before_the_run_is_found_by_the_first_look(
    guarded: Guarded, harm: Callable[[Path], None]
) -> None:
    harm(guarded.folder / "mean.npy")
    harm(guarded.kept / "rows.npy")
    fresh = ArrayGuard(guarded.folder, guarded.prepare)

    repaired = fresh.make_sound()
    assert guarded.folder.name in repaired.split(", ")
    assert fresh.is_whole()
    assert open_prepared(guarded.folder).arrays["mean"] == pytest.approx(2.8)
    guarded.keep()


def test_verify_finds_a_poisoned_view_and_repair_removes_it(guarded):
    flip(guarded.kept / "rows.npy")

    def findings(repair: bool) -> list[tuple[str, bool]]:
        found = survey.verify(guarded.world.info, repair, lambda line: None)
        return [(each.message, each.damaged) for each in found]

    assert (
        "an encoded view is damaged (rows.npy has another checksum); add --repair",
        True,
    ) in findings(repair=False)
    assert not any(damaged for _, damaged in findings(repair=True))
    assert prepared.kept_of(guarded.folder) == []
