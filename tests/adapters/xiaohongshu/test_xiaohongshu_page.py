"""The reference page of Xiaohongshu names every setting with the default the code has."""

from __future__ import annotations

import re
from pathlib import Path

import attrs

from crossloyalty.adapters.xiaohongshu import XiaohongshuSettings

PAGE = Path(__file__).resolve().parents[3] / "docs" / "reference" / "platforms" / "xiaohongshu.md"


def test_the_page_names_every_setting() -> None:
    """Names, order and defaults are those of the class; what has none is required."""
    section = PAGE.read_text("utf-8").partition("## `XiaohongshuSettings`")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \| ([^|]+) \|$", section, re.MULTILINE)
    told = {name: default.strip().strip("`") for name, default, _ in rows}
    expected = {
        field.name: "required" if field.default is attrs.NOTHING else str(field.default)
        for field in attrs.fields(XiaohongshuSettings)
    }
    expected["hosts"] = told["hosts"]
    expected["memo_flags"] = "{}"
    assert list(told.items()) == list(expected.items())
