"""Files that a plugin needs: without one it is skipped, and another one is another trial."""

from __future__ import annotations

from builders import World, a_plugin

GLOVE = "glove.6B.100d.txt"


def test_a_plugin_without_its_file_is_skipped_with_the_way_to_get_it(tmp_path):
    a_plugin(tmp_path, before=f"FILES = [{GLOVE!r}]")
    planned = World(tmp_path).only()

    assert planned.verdict == "skipped"
    assert planned.reason == (
        f"needs {GLOVE}, neither beside it nor in the data folder; "
        "run `python -m bench data fetch glove`, or put it there"
    )


def test_the_content_of_a_needed_file_is_part_of_the_identity(tmp_path):
    a_plugin(tmp_path, before=f"FILES = [{GLOVE!r}]")
    one, same, other = (
        World(tmp_path, files={GLOVE: digest}).only()
        for digest in ("sha256:a", "sha256:a", "sha256:b")
    )

    assert one.to_run
    assert one.trial.versions[GLOVE] == "sha256:a"
    assert one.trial.identity == same.trial.identity != other.trial.identity
