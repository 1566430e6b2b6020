"""A file is read from its syntax tree: nothing in it runs, nothing in it stops the reading."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from bench.formatting import nearest
from bench.registry.declarations import Declarations, read_declarations


def read(tmp_path: Path, content: str | bytes, *wanted: str) -> Declarations:
    path = tmp_path / "file.py"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_declarations(path, wanted)


def test_nothing_is_executed(tmp_path):
    witness = tmp_path / "witness"
    found = read(tmp_path, f"open({str(witness)!r}, 'w')\nraise SystemExit\nA = 1\n", "A")

    assert found.constants["A"].value == 1
    assert found.problems == ()
    assert not witness.exists()


def test_the_first_line_of_the_docstring_is_the_description(tmp_path):
    assert read(tmp_path, '"""\n  One line.  \n\nMore of it.\n"""\n').description == "One line."


def test_keys_of_a_dictionary_are_located(tmp_path):
    found = read(tmp_path, 'A = {\n    "one": 1,\n\n    "two": 2,\n}\n', "A")
    assert found.constants["A"].key_lines == {"one": 2, "two": 4}


def test_an_annotated_assignment_is_read_too(tmp_path):
    assert read(tmp_path, "A: int = 3\nB: int\n", "A", "B").constants["A"].value == 3


def test_a_default_and_a_catch_all_are_told_apart_from_needed_parameters(tmp_path):
    build = read(
        tmp_path, "def build(task, a, b=1, *, c, d=2, **rest): pass\n"
    ).functions["build"]  # fmt: skip
    assert build.parameters == ("task", "a", "b", "c", "d")
    assert build.with_default == {"b", "d"}
    assert build.takes_anything


def test_imports_are_found_wherever_they_stand(tmp_path):
    source = "import a.b\nfrom . import c\ndef f():\n    from d.e import f\n"
    assert read(tmp_path, source).imports == ("a", "d")


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("A = {\n    'x': 1,\n    'y': max(1, 2),\n}\n", 3),
        ("A = {\n    'x': 1,\n    y: 2,\n}\n", 3),
        ("\nA = [i for i in range(3)]\n", 2),
        ("A = {**{'x': 1}}\n", 1),
        ("A = {[1]: 2}\n", 1),
    ],
)
def test_what_is_no_literal_is_a_problem_at_its_line(tmp_path, source, line):
    (problem,) = read(tmp_path, source, "A").problems
    assert problem.line == line
    assert "A must be a literal" in problem.message


@pytest.mark.parametrize(
    ("source", "line"),
    [("A = 1\ndef f(:\n", 2), ("A = '\0'\n", 1), ("A = " + "(" * 500 + ")" * 500, 1)],
)
def test_a_file_that_does_not_parse_has_one_problem_at_its_line(tmp_path, source, line):
    (problem,) = read(tmp_path, source, "A").problems
    assert problem.line == line
    assert problem.message.startswith("does not parse: ")
    assert "\n" not in str(problem)


def test_a_file_of_another_encoding_names_the_line(tmp_path):
    (problem,) = read(tmp_path, b'"""ok"""\n\nA = "\xfc"\n').problems
    assert (problem.line, problem.message) == (
        3,
        "is not UTF-8 text: save it with that encoding",
    )


def test_a_byte_order_mark_and_other_line_ends_change_nothing(tmp_path):
    plain = read(tmp_path, b'"""Text."""\nA = 1\n', "A")
    windows = read(tmp_path, b'\xef\xbb\xbf"""Text."""\r\nA = 1\r\n', "A")

    assert windows.problems == ()
    assert windows.description == "Text."
    assert windows.sha256 == plain.sha256 == hashlib.sha256(b'"""Text."""\nA = 1\n').hexdigest()


def test_a_doubtful_escape_in_a_file_warns_nobody(tmp_path):
    assert read(tmp_path, "A = '\\d'\n", "A").constants["A"].value == "\\d"


def test_an_empty_file_declares_nothing(tmp_path):
    found = read(tmp_path, "", "A")
    assert (found.description, found.constants, found.problems) == ("", {}, ())


def test_a_file_that_cannot_be_opened_is_a_problem(tmp_path):
    (problem,) = read_declarations(tmp_path / "gone.py", ["A"]).problems
    assert problem.message == "cannot be read: No such file or directory"


def test_the_nearest_word_is_offered_only_if_it_is_near():
    assert nearest("unit", ["units", "epochs"]) == " (did you mean 'units'?)"
    assert nearest("zzz", ["units", "epochs"]) == ""
