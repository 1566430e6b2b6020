"""What is wrong with a plugin file is said with its line and the fix."""

from __future__ import annotations

from pathlib import Path

import pytest
from builders import a_plugin, a_task, plugin_source

from bench.registry.plugins import Plugin, read_plugin

TASKS = {"jena": a_task("jena"), "imdb": a_task("imdb")}


def read(folder: Path, source: str | None = None, name: str = "model", **parts: str) -> Plugin:
    return read_plugin(a_plugin(folder, name, source, **parts), TASKS)


def problems(plugin: Plugin) -> list[tuple[int, str]]:
    return [(problem.line, problem.message) for problem in plugin.problems]


def only_problem(plugin: Plugin) -> tuple[int, str]:
    (problem,) = problems(plugin)
    return problem


def test_a_right_plugin_is_read_whole(tmp_path):
    source = (
        '"""GRU: remembers.\n\nMore."""\n'
        "import sklearn\nfrom keras import layers\nimport numpy, os\n"
        'TASK = "jena"\n'
        'HYPERPARAMETERS = {"units": 8, "lookback": 720, "epochs": 3}\n'
        'REFERENCE = {"val_mae": 0.26, "test_mae_degC": 2}\n'
        "def build(task, units, depth=1): return None\n"
    )
    plugin = read(tmp_path, source, "my_gru")

    assert plugin.problems == ()
    assert plugin.name == "my_gru"
    assert plugin.description == "GRU: remembers."
    assert plugin.task == "jena"
    assert plugin.hyperparameters == {"units": 8, "lookback": 720, "epochs": 3}
    assert plugin.reference == {"val_mae": 0.26, "test_mae_degC": 2}
    assert plugin.build_parameters == ("units", "depth")
    assert plugin.needs == ("sklearn",)


def test_an_empty_file_lacks_every_part(tmp_path):
    messages = " ".join(message for _, message in problems(read(tmp_path, "")))
    for part in ("docstring", "TASK", "HYPERPARAMETERS", "build"):
        assert f"lacks {part}" in messages or f"lacks a {part}" in messages


@pytest.mark.parametrize(
    ("left_out", "fix"),
    [
        ('"""A model: what it does."""', "lacks a docstring"),
        ("TASK = 'jena'", "lacks TASK: add a line like TASK = 'jena'"),
        ("HYPERPARAMETERS = {}", "lacks HYPERPARAMETERS: add a line like HYPERPARAMETERS = {}"),
        ("def build(task): return None", "lacks build: define build(task, ...)"),
    ],
)
def test_a_missing_part_is_named_with_the_line_to_add(tmp_path, left_out, fix):
    whole = plugin_source("{}", "def build(task): return None")
    assert left_out in whole
    line, message = only_problem(read(tmp_path, whole.replace(left_out, "")))
    assert line == 1
    assert fix in message


def test_a_file_that_does_not_parse_is_still_a_plugin_with_a_reason(tmp_path):
    plugin = read(tmp_path, '"""Half a file."""\nTASK = "jena"\ndef build(')
    assert plugin.name == "model"
    assert only_problem(plugin)[0] == 3
    assert str(plugin.problems[0]).startswith(f"{plugin.path}:3: does not parse")


def test_build_without_parameters(tmp_path):
    line, message = only_problem(read(tmp_path, hyperparameters="{}", build="def build(): pass"))
    assert line == 5
    assert "build takes the task as its first parameter" in message


def test_an_unknown_task_offers_the_nearest(tmp_path):
    line, message = only_problem(read(tmp_path, task="jenna"))
    assert (line, message) == (3, "unknown task 'jenna' (did you mean 'jena'?)")


def test_a_task_unlike_any_other_lists_them_all(tmp_path):
    assert only_problem(read(tmp_path, task="speech"))[1].endswith(
        "there are: imdb, jena, series, text"
    )


@pytest.mark.parametrize("value", ["3", "[1]", "None"])
def test_a_task_or_hyperparameters_of_another_kind(tmp_path, value):
    source = plugin_source().replace("'jena'", value).replace('{"units": 8}', value)
    found = problems(read(tmp_path, source))
    assert (3, "TASK must be a text, like 'jena'") in found
    assert (4, "HYPERPARAMETERS must be a dictionary, like {}") in found


def test_an_unknown_key_offers_the_nearest_and_the_line_is_the_keys_own(tmp_path):
    plugin = read(tmp_path, hyperparameters='{\n    "units": 8,\n    "unit": 9,\n}')
    line, message = only_problem(plugin)
    assert line == 6
    assert message.startswith("unknown hyperparameter 'unit' (did you mean 'units'?)")


@pytest.mark.parametrize("key", ["epochz", "lookbac"])
def test_keys_of_schedule_and_view_are_offered_too(tmp_path, key):
    plugin = read(tmp_path, hyperparameters=f'{{"units": 8, {key!r}: 9}}')
    assert "did you mean" in only_problem(plugin)[1]


@pytest.mark.parametrize(
    ("pair", "complaint"),
    [
        ('"epochs": 2.5', "epochs must be a whole number, not 2.5"),
        ('"epochs": True', "epochs must be a whole number, not True"),
        ('"epochs": -1', "epochs must be at least 0, not -1"),
        ('"batch_size": 0', "batch_size must be at least 1, not 0"),
        ('"learning_rate": "fast"', "learning_rate must be a number, not 'fast'"),
        ('"optimizer": "rmsprob"', "not 'rmsprob'"),
        ('"jit_compile": "yes"', "jit_compile must be True or False, not 'yes'"),
        ('"encoding": "hash"', "one of raw, hashed, not 'hash' (did you mean 'hashed'?)"),
        ('"lookback": 0.5', "lookback must be a whole number, not 0.5"),
        ('"lookback": [1]', "lookback must be a whole number, not [1]"),
        ('"reverse": "yes"', "reverse must be True or False, not 'yes'"),
    ],
)
def test_a_value_that_an_option_cannot_take(tmp_path, pair, complaint):
    line, message = only_problem(read(tmp_path, hyperparameters=f'{{"units": 8, {pair}}}'))
    assert line == 4
    assert message.endswith(complaint)


@pytest.mark.parametrize(
    "pair", ['"lookback": "10d"', '"lookback": None', '"patience": None', '"columns": ["T"]']
)
def test_what_the_task_is_to_judge_is_no_problem_here(tmp_path, pair):
    assert read(tmp_path, hyperparameters=f'{{"units": 8, {pair}}}').problems == ()


@pytest.mark.parametrize(
    ("value", "complaint"),
    [
        ("b'x'", "no bytes"),
        ("{1, 2}", "no set"),
        ("2j", "no complex"),
        ("...", "no ellipsis"),
        ("1e999", "must be finite"),
        ("[1, [-1e999]]", "must be finite"),
        ("{1: 2}", "must have texts as the keys"),
        ("'\\ud800'", "lone surrogates"),
        ("0x" + "f" * 40, "at most 64 bits"),
    ],
)
def test_a_value_that_no_record_can_hold_is_a_problem_and_is_kept_from_everything(
    tmp_path, value, complaint
):
    plugin = read(tmp_path, hyperparameters=f'{{"units": {value}, "epochs": 2}}')
    assert complaint in only_problem(plugin)[1]
    assert plugin.hyperparameters == {"epochs": 2}


def test_a_key_that_is_no_text(tmp_path):
    plugin = read(tmp_path, hyperparameters='{"units": 8, 3: 4}')
    assert only_problem(plugin)[1] == "HYPERPARAMETERS has the key 3: use a text"
    assert plugin.hyperparameters == {"units": 8}


def test_a_build_parameter_that_nothing_gives(tmp_path):
    line, message = only_problem(read(tmp_path, build="def build(task, units, dept): pass"))
    assert line == 5
    assert message.startswith("build takes 'dept' but HYPERPARAMETERS does not give it")


def test_a_build_parameter_may_have_a_default_or_be_an_option_of_the_view(tmp_path):
    assert read(tmp_path, build="def build(task, units, lookback, a=1): pass").problems == ()


def test_a_catch_all_parameter_takes_every_key_that_is_no_option(tmp_path):
    plugin = read(
        tmp_path,
        hyperparameters='{"units": 8, "depth": 2, "epochs": 3, "lookback": 9}',
        build="def build(task, units, **rest): pass",
    )
    assert plugin.problems == ()
    assert plugin.arguments(plugin.hyperparameters) == {"units": 8, "depth": 2}


def test_an_unknown_reference_figure_lists_the_known_ones(tmp_path):
    line, message = only_problem(read(tmp_path, before="REFERENCE = {'validation_mae': 0.3}"))
    assert line == 2
    assert "unknown reference figure 'validation_mae'" in message
    assert message.endswith(
        "use epoch_seconds, last_val_mae, last_val_mae_degC, parameters, test_mae, test_mae_degC, "
        "val_mae, val_mae_degC"
    )


@pytest.mark.parametrize("value", ["'low'", "True", "None", "1e999"])
def test_a_reference_figure_that_is_no_number_is_not_shown_as_one(tmp_path, value):
    plugin = read(tmp_path, before=f"REFERENCE = {{'val_mae': {value}}}")
    assert "val_mae must be a finite number" in only_problem(plugin)[1]
    assert plugin.reference == {}


@pytest.mark.parametrize("name", ["REFERENCE_NOTE", "REFERENCE_SOURCE"])
def test_what_is_said_of_the_published_figure_must_be_a_text(tmp_path, name):
    plugin = read(tmp_path, before=f"{name} = 3")
    assert f"{name} must be a text" in only_problem(plugin)[1]


def test_reference_figures_that_are_no_dictionary(tmp_path):
    plugin = read(tmp_path, before="REFERENCE = 0.3")
    assert only_problem(plugin) == (2, "REFERENCE must be a dictionary, like {'val_mae': 0.5}")


@pytest.mark.parametrize("name", ["my model", "a|b", "naïve", "-x", "a.b", "`x`"])
def test_a_name_that_tables_or_shells_could_trip_over(tmp_path, name):
    assert "rename the file" in only_problem(read(tmp_path, name=name))[1]


def test_values_that_are_no_literals_hide_no_other_plugin(tmp_path):
    plugin = read(tmp_path, hyperparameters='{"units": 2 ** 5}')
    assert only_problem(plugin)[1].startswith("HYPERPARAMETERS must be a literal")


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("lr", "learning_rate"),
        ("early_stopping", "patience"),
        ("units_", "units"),
        ("sequence_length", None),
    ],
)
def test_a_key_by_its_name_elsewhere_is_offered_the_one_that_is_meant(tmp_path, key, meant):
    plugin = read(tmp_path, hyperparameters=f'{{"units": 8, {key!r}: 9}}')
    hint = f" (did you mean {meant!r}?)" if meant else ""

    assert f"unknown hyperparameter {key!r}{hint}: it is" in only_problem(plugin)[1]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("REFERNCE = {'val_mae': 0.3}", "unknown declaration REFERNCE (did you mean 'REFERENCE'?)"),
        ("HYPERPARAMETER = {}", "(did you mean 'HYPERPARAMETERS'?)"),
        ("FILE: list = ['words.txt']", "(did you mean 'FILES'?)"),
        ("CALLBACKS = []", "CALLBACKS has no effect: define callbacks(task, ...) beside build"),
        ("EPOCHS = 3", "EPOCHS has no effect: write 'epochs' into HYPERPARAMETERS"),
        ("LR = 0.1", "LR has no effect: write 'learning_rate' into HYPERPARAMETERS"),
    ],
)
def test_a_constant_that_looks_like_a_declaration_and_is_none_is_told(tmp_path, line, words):
    found, message = only_problem(read(tmp_path, before=f"import os\n{line}"))

    assert found == 3
    assert words in message


@pytest.mark.parametrize(
    "line",
    [
        "WIDTHS = [8, 16]\nSUM = sum(WIDTHS)",
        "NOTES = 'of my own'",
        "CALLBACKS = []\ndef mine(): return CALLBACKS",
        "FILE = 'words.txt'\nNAMES = [FILE]",
        "reference = 3",
    ],
)
def test_constants_of_the_files_own_stay_its_own(tmp_path, line):
    assert problems(read(tmp_path, before=line)) == []
