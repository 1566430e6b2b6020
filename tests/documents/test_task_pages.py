"""The page on tasks of one's own says what holds."""

from __future__ import annotations

import re
from pathlib import Path

from bench.registry.kinds import KINDS

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_on_tasks_names_every_key_of_a_series():
    page = (DOCS / "tasks.md").read_text(encoding="utf-8")
    (table,) = re.findall(r"\| key of `DATA` \|.*?\n\n", page, flags=re.DOTALL)
    keys = re.findall(
        r"`(\w+)`", "".join(row.split("|")[1] for row in table.splitlines()[2:] if row)
    )

    assert keys == [*KINDS["series"].options]
