"""What the campaign of the ways to one table compares of a leaderboard."""

from __future__ import annotations

from campaigns.faults.outcomes import Outcomes
from campaigns.ways import _other, untimed

HEADS = "plugin,validation_mae,fit_seconds,peak_rss_bytes,contended_trials,seeds,status"


def test_times_and_memory_are_left_out_of_a_leaderboard_and_nothing_else():
    one = f"{HEADS}\njena_gru,0.25,1.5,1000,0,0,ok\n"
    later = f'{HEADS}\njena_gru,0.25,2.5,1001,1,0,ok\n"a,b",,,,,0,skipped\n'

    assert untimed(one) == ["plugin,validation_mae,seeds,status", "jena_gru,0.25,0,ok"]
    assert untimed(later)[:2] == untimed(one)
    assert untimed(one.replace("0.25", "0.26")) != untimed(one)


def test_what_was_skipped_both_times_is_no_difference_and_other_bits_are():
    one = Outcomes({"gru 1": {"predictions": "a"}}, {"gru 1": 1}, {"skipped": 1}, ())
    other = Outcomes({"gru 1": {"predictions": "b"}}, {"gru 1": 1}, {"skipped": 1}, ())

    assert _other(one, one) == []
    assert _other(one, other) == ["other predictions: gru 1"]
