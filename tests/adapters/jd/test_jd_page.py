"""The reference page of JD names every setting with the default the code has."""

from __future__ import annotations

import re
from pathlib import Path

import attrs

from crossloyalty.adapters.jd import JdSettings

PAGE = Path(__file__).resolve().parents[3] / "docs" / "reference" / "platforms" / "jd.md"
IN_WORDS = {"hosts": "none", "order_states": "every published state", "status_words": "none"}


def _default(field: attrs.Attribute[object]) -> str:
    if field.default is attrs.NOTHING:
        return "required"
    if isinstance(field.default, frozenset):
        return ", ".join(map(str, sorted(field.default))) or "none"
    return str(field.default)


def test_the_page_names_every_setting() -> None:
    """Names, order and defaults are those of the class; what has none is required."""
    section = PAGE.read_text("utf-8").partition("## `JdSettings`")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \| ([^|]+) \|$", section, re.MULTILINE)
    told = {name: default.strip().strip("`") for name, default, _ in rows}
    expected = {field.name: IN_WORDS.get(field.name, _default(field)) for field in attrs.fields(JdSettings)}
    assert list(told.items()) == list(expected.items())
