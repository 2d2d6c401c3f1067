"""The reference page of Taobao and Tmall names every setting with the default the code has."""

from __future__ import annotations

import re
from pathlib import Path

import attrs

from crossloyalty.adapters.taobao import TaobaoSettings

PAGE = Path(__file__).resolve().parents[3] / "docs" / "reference" / "platforms" / "taobao.md"
IN_WORDS = {
    "hosts": "none",
    "trade_types": "every published type",
    "refund_types": "every published type",
    "seller_flags": "none",
}


def test_the_page_names_every_setting() -> None:
    """Names, order and defaults are those of the class; what has none is required."""
    section = PAGE.read_text("utf-8").partition("## `TaobaoSettings`")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \| ([^|]+) \|$", section, re.MULTILINE)
    told = {name: default.strip().strip("`") for name, default, _ in rows}
    expected = {
        field.name: IN_WORDS.get(field.name, "required" if field.default is attrs.NOTHING else str(field.default))
        for field in attrs.fields(TaobaoSettings)
    }
    assert list(told.items()) == list(expected.items())
