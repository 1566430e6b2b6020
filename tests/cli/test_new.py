"""The plugin that ``new`` writes keeps the contract as it stands."""

from __future__ import annotations

import pytest
from builders import a_plugin, a_task

from bench.cli.new import check_name, plugin_source
from bench.errors import BenchError
from bench.registry.plugins import read_plugin
from bench.registry.tasks import discover_tasks


@pytest.mark.parametrize("task", ["imdb", "jena", "speech"])
def test_the_new_plugin_has_no_problem(tmp_path, task):
    tasks = {**discover_tasks(), "speech": a_task("speech")}
    plugin = read_plugin(a_plugin(tmp_path, "my_model", plugin_source("my_model", task)), tasks)

    assert [str(problem) for problem in plugin.problems] == []
    assert plugin.task == task
    assert plugin.needs == ()
    assert plugin.description.startswith("My model: ")
    assert set(plugin.build_parameters) <= set(plugin.hyperparameters)


@pytest.mark.parametrize("name", ["a", "my_model", "gru2"])
def test_names_that_a_plugin_can_have(name):
    check_name(name)


@pytest.mark.parametrize(
    "name", ["", "My", "2gru", "_gru", "a-b", "a b", "a/b", "../a", "a.py", "class", "naïve", "a\n"]
)
def test_names_that_it_cannot_have_are_refused_with_an_example(name):
    with pytest.raises(BenchError, match="lower-case letters, digits and _, like my_model"):
        check_name(name)
