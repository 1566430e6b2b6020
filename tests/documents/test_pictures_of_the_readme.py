"""README's pictures exist, light and dark, and the dark one is the light one on a dark ground."""

from __future__ import annotations

import re
from pathlib import Path

from bench.report.style import on_dark

ROOT = Path(__file__).parents[2]
PICTURE = re.compile(r"<picture>(.*?)</picture>", re.DOTALL)


def test_each_picture_has_a_light_and_a_dark_file_that_show_the_same():
    found = PICTURE.findall((ROOT / "README.md").read_text(encoding="utf-8"))

    assert found
    for picture in found:
        assert 'media="(prefers-color-scheme: dark)"' in picture
        (dark,) = re.findall(r'srcset="([^"]+)"', picture)
        ((light, told),) = re.findall(r'<img src="([^"]+)" alt="([^"]+)"', picture)
        assert len(told) > 20
        assert on_dark((ROOT / light).read_bytes()) == (ROOT / dark).read_bytes()
