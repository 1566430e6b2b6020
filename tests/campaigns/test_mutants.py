"""The bugs of the mutation campaign can be planted in the code as it is."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from campaigns.mutants.mutant import plant_all
from campaigns.mutants.planted import MUTANTS

ROOT = Path(__file__).parents[2]
AREAS = {"registry", "plan", "selection", "statistics", "gate", "worker and run"}


def test_each_of_the_forty_has_its_place_in_the_code_and_a_test_that_is_there():
    assert len({mutant.name for mutant in MUTANTS}) == 40
    assert len(plant_all(MUTANTS, ROOT)) == 40


def test_they_are_spread_over_all_that_decides():
    counts = Counter(mutant.area for mutant in MUTANTS)

    assert {*counts} == AREAS
    assert min(counts.values()) >= 5
