"""What a check is told: by ``pyproject.toml``, and by the command line over it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bench.cli.check import command
from bench.errors import BenchError
from bench.gate.settings import CheckOptions, CheckSettings, read_settings, with_options
from bench.metrics import METRICS

TABLE = """
[tool.bench.check]
level = 0.05
pairs = 12
metrics = ["train_step", "quality"]
allow = ["not comparable"]

[tool.bench.check.tolerances]
train_step = 0.03
"""


def written(folder: Path, text: str) -> Path:
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")
    return folder


def asked(**options: Any) -> CheckOptions:
    """What the command line gives where only these options are written."""
    by_default = command.make_context("check", []).params
    return CheckOptions(**{**by_default, **options})


def complaint(folder: Path, text: str) -> str:
    with pytest.raises(BenchError) as raised:
        read_settings(written(folder, text))
    message = str(raised.value)
    assert "\n" not in message
    return message


def test_by_default_every_metric_is_compared_with_its_own_tolerance(tmp_path):
    (tmp_path / ".git").mkdir()
    settings = read_settings(tmp_path)

    assert settings == CheckSettings()
    assert settings.metrics == tuple(METRICS)
    assert settings.tolerances["train_step"] == METRICS["train_step"].tolerance


def test_the_table_replaces_what_it_names_and_nothing_else(tmp_path):
    settings = read_settings(written(tmp_path, TABLE))

    assert (settings.level, settings.pairs) == (0.05, 12)
    assert settings.allow == {"not comparable"}
    assert settings.tolerances["train_step"] == 0.03
    assert settings.tolerances["predict"] == METRICS["predict"].tolerance


def test_metrics_keep_the_order_in_which_they_are_told(tmp_path):
    assert read_settings(written(tmp_path, TABLE)).metrics == ("quality", "train_step")


PLUGINS = """
[tool.bench.check.tolerances]
predict = 0.04
[tool.bench.check.plugins."jena_g*"]
train_step = 0.1
[tool.bench.check.plugins."jena_*"]
train_step = 0.2
predict = 0.3
[tool.bench.check.plugins.jena_gru]
train_step = 0.05
"""


def test_a_plugins_tolerance_is_that_of_its_name_then_of_the_first_glob_that_has_the_metric(
    tmp_path,
):
    settings = read_settings(written(tmp_path, PLUGINS))

    assert settings.tolerance("jena_gru", "train_step") == 0.05
    assert settings.tolerance("jena_gru", "predict") == 0.3
    assert settings.tolerance("jena_gbm", "train_step") == 0.1
    assert settings.tolerance("jena_lstm", "train_step") == 0.2
    assert settings.tolerance("imdb_gru", "predict") == 0.04
    assert settings.tolerance("imdb_gru", "train_step") == METRICS["train_step"].tolerance
    assert settings.without_match(["imdb_gru", "jena_lstm"]) == ["jena_g*", "jena_gru"]
    one = with_options(settings, asked(tolerances=("train_step=0.01",)))
    assert one.tolerance("jena_gru", "train_step") == 0.01
    assert one.tolerance("jena_gru", "predict") == 0.3


def test_it_is_found_from_a_folder_within_the_repository(tmp_path):
    inner = written(tmp_path, TABLE) / "plugins" / "mine"
    inner.mkdir(parents=True)

    assert read_settings(inner).pairs == 12


def test_a_nearer_file_without_the_table_says_nothing(tmp_path):
    inner = written(tmp_path, TABLE) / "package"
    inner.mkdir()

    assert read_settings(written(inner, "[project]\nname = 'x'\n")).pairs == 12


def test_the_search_ends_at_the_root_of_the_repository(tmp_path):
    root = written(tmp_path, TABLE) / "repository"
    (root / ".git").mkdir(parents=True)

    assert read_settings(root) == CheckSettings()


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("[tool.bench.check]\nlevle = 0.01", "the unknown entry 'levle' (did you mean 'level'?)"),
        ("[tool.bench.check]\nxyz = 1", "there are: tolerances, level"),
        (
            "[tool.bench.chek]\nlevel = 0.01",
            "[tool.bench] has the unknown entry 'chek' (did you mean 'check'?)",
        ),
        ("[tool.bench]\ncheck = 3", "[tool.bench.check] must be a table, not 3"),
        ("[tool]\nbench = 3", "[tool.bench] must be a table"),
        ("[tool.bench.check]\nlevel = '1%'", "level must be a number between 0 and 0.5, not '1%'"),
        ("[tool.bench.check]\nlevel = 0.5", "not 0.5"),
        ("[tool.bench.check]\nlevel = true", "not True"),
        ("[tool.bench.check]\nlevel = nan", "not nan"),
        (
            "[tool.bench.check]\npairs = 0",
            "pairs must be a whole number from 1 to 1,000 or null, not 0",
        ),
        ("[tool.bench.check]\npairs = 8.0", "not 8.0"),
        (
            "[tool.bench.check]\nmetrics = 'quality'",
            "metrics must be a list with at least one entry",
        ),
        (
            "[tool.bench.check]\nmetrics = []",
            "metrics must be a list with at least one entry, not an",
        ),
        ("[tool.bench.check]\nmetrics = ['trainstep']", "did you mean 'train_step'?"),
        ("[tool.bench.check]\nallow = ['wors']", "allow[0] must be one of better, "),
        ("[tool.bench.check]\nallow = ['wors']", "not 'wors' (did you mean 'worse'?)"),
        (
            "[tool.bench.check]\nallow = ['gone']\nfail_on = ['worse', 'gone']",
            "[tool.bench.check]: allow and fail_on both name 'gone'; leave it in one of them",
        ),
        ("[tool.bench.check]\nfail_on = ['unchanged']", "fail_on[0] must be one of better, worse"),
        (
            "[tool.bench.check]\nallow = [3]",
            "one of better, unchanged, worse, cannot tell, new, gone, failed, not",
        ),
        ("[tool.bench.check]\nallow = [3]", "not comparable, not 3"),
        ("[tool.bench.check]\npairs = 0x" + "f" * 9000, "not a huge number"),
        ("[tool.bench]\ncheck = 0x" + "f" * 9000, "must be a table, not a huge number"),
        ("[tool.bench.check]\ntolerances = 0.03", "tolerances must be a dictionary, not 0.03"),
        ("[tool.bench.check.tolerances]\npredct = 0.1", "did you mean 'predict'?"),
        ("[tool.bench.check.tolerances]\npredict = -0.1", "predict must be a number from 0"),
        ("[tool.bench.check.tolerances]\npredict = inf", "not inf"),
        ("[tool.bench.check.tolerances]\npredict = 3", "share of the baseline, 0.03 for 3%"),
        ("[tool.bench.check.plugins.'jena_*']\ntrain_stp = 1", "did you mean 'train_step'?"),
        (
            "[tool.bench.check.plugins.'jena_*']\ntrain_step = 3",
            '[tool.bench.check.plugins."jena_*"]: train_step is a share of the baseline',
        ),
        ("[tool.bench.check\nlevel = 1", "is no TOML"),
    ],
)
def test_what_is_wrong_is_named_with_the_file_and_the_mend(tmp_path, table, said):
    message = complaint(tmp_path, table)

    assert message.startswith(f"{tmp_path / 'pyproject.toml'}: ")
    assert said in message


def test_a_file_in_another_encoding_is_named(tmp_path):
    (tmp_path / "pyproject.toml").write_bytes(b"# caf\xe9\n")
    with pytest.raises(BenchError, match=r"pyproject\.toml: is no TOML"):
        read_settings(tmp_path)


def test_a_quality_tolerance_has_the_unit_of_the_metric_and_may_be_large(tmp_path):
    settings = read_settings(written(tmp_path, "[tool.bench.check.tolerances]\nquality = 5"))
    assert settings.tolerances["quality"] == 5.0


# The command line


def test_options_stand_over_the_file(tmp_path):
    settings = with_options(
        read_settings(written(tmp_path, TABLE)),
        asked(
            tolerances=("train_step=0.05", "quality = 0.01"),
            allow=("worse,not-measured",),
            metrics=("predict,quality",),
            level=0.02,
            pairs=4,
        ),
    )

    assert settings.tolerances["train_step"] == 0.05
    assert settings.tolerances["quality"] == 0.01
    assert settings.allow == {"not comparable", "worse", "not measured"}
    assert settings.metrics == ("quality", "predict")
    assert (settings.level, settings.pairs) == (0.02, 4)


def test_an_option_takes_a_verdict_out_of_the_other_list_of_the_file(tmp_path):
    table = "[tool.bench.check]\nallow = ['new']\nfail_on = ['gone', 'cannot-tell']"
    file = read_settings(written(tmp_path, table))
    settings = with_options(file, asked(allow=("gone",), fail_on=("new,better",)))

    assert settings.allow == {"gone"}
    assert settings.fail_on == {"cannot tell", "new", "better"}


def test_no_options_leave_everything_as_it_is():
    settings = CheckSettings(level=0.03, pairs=5)
    assert with_options(settings, asked()) == settings


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"tolerances": ["train_step"]}, "--tolerance train_step: write it as METRIC=NUMBER"),
        ({"tolerances": ["train_step=few"]}, "'few' is no number"),
        ({"tolerances": ["train_stp=0.1"]}, "did you mean 'train_step'?"),
        ({"tolerances": ["predict=5"]}, "--tolerance predict=5: predict is a share"),
        ({"allow": ["wors"]}, "--allow[0] must be one of better, unchanged, worse"),
        ({"metrics": ["speed"]}, "--metric[0] must be one of quality, train_step"),
        ({"level": 0.0}, "--level must be a number between 0 and 0.5"),
        ({"pairs": -1}, "--pairs must be a whole number from 1"),
    ],
)
def test_a_wrong_option_is_named(options, said):
    with pytest.raises(BenchError) as raised:
        with_options(CheckSettings(), asked(**options))
    assert said in str(raised.value)


def test_reading_settings_imports_nothing_heavy():
    code = (
        "import sys, pathlib; from bench.gate.settings import read_settings;"
        "read_settings(pathlib.Path.cwd());"
        "print({'numpy', 'keras', 'scipy', 'pandas'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
