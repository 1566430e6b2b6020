"""Published figures beside measured ones: every verdict, and the reason where one is known."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from builders import a_board, a_plugin, a_record
from command_line import report_on
from reading import exact, said, shown

from bench.analysis.costs import KNOWN_FORMS
from bench.analysis.reproduction import (
    BETTER,
    NOT_JUDGED,
    NOT_MEASURED,
    WITHIN,
    WORSE,
    PublishedFigure,
    Reproduction,
    reproduce,
)
from bench.protocol import FAILED, SKIPPED
from bench.records.record import Record
from bench.registry import discover
from bench.registry.plugins import read_plugin
from bench.report.document import Place
from bench.report.reproduction import left_out, reproduction_document
from bench.report.writers import to_json, to_text


def seeds(
    mean: float,
    *,
    apart: float = 0.001,
    count: int = 3,
    plugin: str = "jena_gru",
    reference: dict[str, Any] | None = None,
    **trial: Any,
) -> list[Record]:
    """Records of a full training whose validation metrics lie around a mean."""
    trial = {"profile": "full", "source": "official", **trial}
    published = {"val_mae": 0.26} if reference is None else reference
    middle = (count - 1) / 2
    return [
        a_record(
            plugin,
            mean + apart * (seed - middle),
            seed=seed,
            trial=trial,
            reference=published,
        )
        for seed in range(count)
    ]


def only_figure(records: list[Record], **notes: str) -> PublishedFigure:
    (comparison,) = reproduce(a_board(*records), notes).comparisons
    (figure,) = comparison.figures
    return figure


@pytest.mark.parametrize(
    ("mean", "verdict"),
    [(0.2499, BETTER), (0.2501, WITHIN), (0.26, WITHIN), (0.2699, WITHIN), (0.2701, WORSE)],
)
def test_a_lower_error_is_better_and_a_hundredth_is_the_same(mean, verdict):
    figure = only_figure(seeds(mean))

    assert figure.verdict == verdict
    assert figure.difference == pytest.approx(mean - 0.26)
    assert (figure.split, figure.metric, figure.published) == ("validation", "mae", 0.26)


@pytest.mark.parametrize(("mean", "verdict"), [(0.8901, BETTER), (0.875, WITHIN), (0.8699, WORSE)])
def test_a_higher_accuracy_is_better(mean, verdict):
    records = seeds(mean, task="imdb", plugin="imdb_lstm", reference={"val_accuracy": 0.88})

    assert only_figure(records).verdict == verdict


def test_a_hundredth_to_the_last_bit_is_within_tolerance():
    records = seeds(
        0.76, apart=0, task="imdb", plugin="imdb_lstm", reference={"val_accuracy": 0.75}
    )

    assert 0.76 - 0.75 > 0.01
    assert only_figure(records).verdict == WITHIN


def test_the_spread_of_the_seeds_widens_the_tolerance():
    assert only_figure(seeds(0.285, apart=0.03)).verdict == WITHIN
    assert only_figure(seeds(0.285, apart=0.02)).verdict == WORSE


def test_a_test_figure_is_compared_with_the_test_split():
    figure = only_figure(seeds(0.26, reference={"test_mae": 0.26}))

    assert figure.split == "test"
    assert figure.measured is not None
    assert figure.measured.mean == pytest.approx(1.05 * 0.26)
    assert figure.verdict == WORSE


def test_a_figure_in_another_unit_has_the_tolerance_in_that_unit():
    within = only_figure(seeds(0.265, reference={"val_mae_degC": 8.85 * 0.26}))
    worse = only_figure(seeds(0.275, reference={"val_mae_degC": 8.85 * 0.26}))

    assert within.difference == pytest.approx(0.04425)
    assert (within.verdict, worse.verdict) == (WITHIN, WORSE)


@pytest.mark.parametrize(("count", "words"), [(1, "one seed"), (2, "two seeds")])
def test_too_few_seeds_are_not_judged_and_said_so(count, words):
    figure = only_figure(seeds(0.5, count=count))

    assert (figure.verdict, figure.why) == (NOT_JUDGED, f"{words}, at least three are judged")
    assert figure.difference == pytest.approx(0.24)


def test_a_variant_is_no_reproduction():
    figure = only_figure(seeds(0.5, overrides={"units": 64}))

    assert figure.verdict == NOT_JUDGED
    assert "not the published ones" in figure.why


def test_a_model_that_gave_no_figure_shows_why():
    trial = {"profile": "full", "source": "official"}
    failed = a_record(trial=trial, status=FAILED, reason="jena_gru.py:8: ValueError: no")
    skipped = a_record("jena_ridge", trial=trial, status=SKIPPED, reason="needs sklearn")
    (comparison,) = reproduce(a_board(failed, skipped), {}).comparisons

    assert [(figure.verdict, figure.why) for figure in comparison.figures] == [
        (NOT_MEASURED, "failed: jena_gru.py:8: ValueError: no"),
        (NOT_MEASURED, "skipped: needs sklearn"),
    ]


def test_a_figure_that_the_suite_does_not_have_is_named_as_published():
    figure = only_figure(seeds(0.26, reference={"last_words": 0.3, "val_mae": None}))

    assert (figure.metric, figure.verdict) == ("last_words", NOT_MEASURED)


#: A local file that is known to hold what the official one holds, and how it differs.
FORM, DIFFERENCE = next(iter(KNOWN_FORMS.items()))


def test_a_difference_on_another_form_of_the_data_says_so_and_else_stays_unexplained():
    local = {"source": "local", "fingerprint": FORM}
    assert only_figure(seeds(0.3, **local)).why == f"other data than published: {DIFFERENCE}"
    assert only_figure(seeds(0.2, **local)).why == f"other data than published: {DIFFERENCE}"
    assert only_figure(seeds(0.26, **local)).why == ""
    assert only_figure(seeds(0.3)).why == ""


def test_what_a_plugin_says_of_its_published_figure_is_told_on_every_backend():
    note = "the published listing has no sigmoid"

    assert only_figure(seeds(0.3), jena_gru=note).why == note
    assert only_figure(seeds(0.3, backend="jax"), jena_gru=note).why == note
    both = only_figure(seeds(0.3, source="local", fingerprint=FORM), jena_gru=note)
    assert both.why == f"other data than published: {DIFFERENCE}; {note}"


def test_made_data_and_short_trainings_are_left_out_with_the_reason():
    found = reproduce(
        a_board(
            *seeds(0.26),
            *seeds(0.26, profile="quick"),
            *seeds(0.26, source="synthetic"),
            *seeds(0.26, profile="smoke", reference={}),
        ),
        {},
    )

    assert len(found.comparisons) == 1
    assert left_out(found) == [
        "jena, official data, quick profile: published figures are of a full training",
        "jena, synthetic data, full profile: published figures are of the official data",
    ]


# The document


@pytest.fixture
def story() -> Reproduction:
    """A model that is as published, one worse without a reason, one with it, and a quick table."""
    return reproduce(
        a_board(
            *seeds(0.2589),
            *seeds(0.3, plugin="jena_dense"),
            *seeds(0.4, plugin="jena_conv1d"),
            *seeds(0.26, profile="quick"),
        ),
        {"jena_conv1d": "a mistake | in the listing"},
    )


@pytest.mark.parametrize("place", [Place.TERMINAL, Place.PAGE])
def test_people_see_each_figure_the_verdicts_counted_and_what_is_left_out(story, place):
    document = reproduction_document(story)
    (table,) = document.tables(place)
    rows = [[*row.values()] for row in shown(table)]
    told = said(document, place)

    assert rows == [
        ["jena_gru", "validation MAE", "0.2600", "0.2589 ± 0.0010", "-0.0011", WITHIN, ""],
        ["jena_dense", "validation MAE", "0.2600", "0.3000 ± 0.0010", "+0.0400", WORSE, ""],
        [
            *("jena_conv1d", "validation MAE", "0.2600", "0.4000 ± 0.0010", "+0.1400", WORSE),
            "a mistake | in the listing",
        ],
    ]
    assert "3 published figures: 1 within tolerance, 2 worse (1 for no known reason)." in told
    assert "Left out: jena, official data, quick profile" in told
    assert ("machine: " in told) == (place == Place.PAGE)


def test_a_terminal_tells_a_note_whole():
    note = "a note of many words that are all needed " * 5
    assert note.strip() in to_text(
        reproduction_document(reproduce(a_board(*seeds(0.3)), {"jena_gru": note}))
    )


def test_csv_and_json_hold_plain_numbers(story):
    document = reproduction_document(story)
    first, *_ = exact(document)
    read = json.loads(to_json(document), parse_constant=pytest.fail)

    assert (first["plugin"], first["split"], first["metric"]) == ("jena_gru", "validation", "mae")
    assert float(first["measured"]) == pytest.approx(0.2589)
    assert float(first["measured_sd"]) == pytest.approx(0.001)
    assert (first["seeds"], first["verdict"], first["why"]) == ("3", WITHIN, "")
    (table,) = read["tables"]
    assert [figure["verdict"] for figure in table["figures"]] == [WITHIN, WORSE, WORSE]
    assert table["figures"][0]["measured"]["count"] == 3
    assert len(read["left_out"]) == 1


# The command


@pytest.fixture
def report(tmp_path, capsys):
    """Run ``report --reproduction`` on some records; return exit status and both outputs."""

    return lambda records, *words: report_on(records, tmp_path, capsys, "--reproduction", *words)


@pytest.mark.parametrize(
    ("form", "start"),
    [("text", "jena, official"), ("md", "# Published"), ("csv", "task,"), ("json", "{")],
)
def test_report_renders_the_reproduction_in_each_format(report, form, start):
    status, out, err = report(seeds(0.3), "--format", form)

    assert (status, err) == (0, "")
    assert out.startswith(start)
    assert WORSE in out


def test_report_takes_the_note_from_the_plugins_file(report, monkeypatch, tmp_path):
    folder = tmp_path / "plugins"
    folder.mkdir()
    a_plugin(folder, "jena_gru", before="REFERENCE_NOTE = 'a mistake in the listing'")
    plugin = read_plugin(folder / "jena_gru.py", {})
    registry = discover.Registry({}, (plugin,))
    monkeypatch.setattr("bench.registry.project.registry_of", lambda asked: registry)
    _, out, _ = report(seeds(0.3))

    assert "a mistake in the listing" in out


def test_without_a_full_training_one_line_says_how_to_get_one(report):
    status, out, err = report(seeds(0.26, profile="quick"))

    assert (status, out) == (2, "")
    assert "--profile full --seeds 0,1,2" in err
    assert len(err.splitlines()) == 1


def test_there_is_a_page_of_it_without_pictures(report):
    status, out, _ = report(seeds(0.26), "--format", "html")

    assert status == 0
    assert out.startswith("<!doctype html>")
    assert "<figure" not in out


# Figures of the last epoch, and of what a training cost


def trained_on(records: list[Record], curve: list[float]) -> list[Record]:
    """The same records with this course of the validation metric, of 4 epochs asked for."""
    return [
        replace(
            record,
            metrics={**record.metrics, "curves": {"validation_mae": curve}},
            trial=replace(record.trial, training={**record.trial.training, "epochs": 4}),
        )
        for record in records
    ]


def test_a_figure_of_the_last_epoch_is_compared_with_the_last_epoch():
    records = seeds(0.26, reference={"last_val_mae": 0.3})

    figure = only_figure(trained_on(records, [0.4, 0.26, 0.3, 0.305]))

    assert (figure.split, figure.metric, figure.epoch) == ("validation", "mae", "last")
    assert figure.measured is not None
    assert figure.measured.mean == pytest.approx(0.305)
    assert figure.verdict == WITHIN


def test_a_training_that_stopped_early_has_no_last_epoch():
    records = seeds(0.26, reference={"last_val_mae": 0.3})

    figure = only_figure(trained_on(records, [0.4, 0.26]))

    assert (figure.measured, figure.verdict) == (None, NOT_MEASURED)
    assert "--set patience=none" in figure.why


def test_what_a_published_training_cost_is_shown_and_not_judged():
    reference = {"epoch_seconds": 109, "parameters": 5_857}

    (comparison,) = reproduce(a_board(*seeds(0.26, reference=reference)), {}).comparisons

    assert [(f.metric, f.published, f.verdict) for f in comparison.figures] == [
        ("epoch_seconds", 109, NOT_JUDGED),
        ("parameters", 5_857, NOT_JUDGED),
    ]
    assert all(figure.measured is not None for figure in comparison.figures)


def test_a_figure_names_its_source():
    found = reproduce(a_board(*seeds(0.26)), {}, {"jena_gru": "listing 6-39"})

    (figure,) = found.comparisons[0].figures
    assert figure.source == "listing 6-39"
    assert "listing 6-39" in to_text(reproduction_document(found))


def test_every_shipped_published_figure_names_its_source():
    without = [
        plugin.name
        for plugin in discover.discover().plugins
        if plugin.reference and not plugin.reference_source
    ]

    assert without == []
