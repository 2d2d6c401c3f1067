"""The reference page of Douyin names every setting with the default the code has."""

from __future__ import annotations

import re
from pathlib import Path

import attrs

from crossloyalty.adapters.douyin import DouyinSettings

PAGE = Path(__file__).resolve().parents[3] / "docs" / "reference" / "platforms" / "douyin.md"


def test_the_page_names_every_setting() -> None:
    """Names, order and defaults are those of the class; what has none is required."""
    section = PAGE.read_text("utf-8").partition("## `DouyinSettings`")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \| ([^|]+) \|$", section, re.MULTILINE)
    told = {name: default.strip().strip("`") for name, default, _ in rows}
    assert list(told.items()) == [(field.name, _spelled(field)) for field in attrs.fields(DouyinSettings)]


def _spelled(field: attrs.Attribute[object]) -> str:
    if field.default is attrs.NOTHING:
        return "required"
    if field.name == "hosts":
        return "the gateway's own"
    if isinstance(field.default, frozenset):
        return ", ".join(map(str, sorted(field.default)))
    return "none" if field.name == "memo_flags" else str(field.default)
