"""The reference page of Weixin shops names every setting with the default the code has."""

from __future__ import annotations

import re
from pathlib import Path

import attrs

from crossloyalty.adapters.wechat import WechatSettings

PAGE = Path(__file__).resolve().parents[3] / "docs" / "reference" / "platforms" / "wechat.md"


def _default(field: attrs.Attribute[object]) -> str:
    if field.default is attrs.NOTHING:
        return "required"
    value = field.default.factory() if isinstance(field.default, attrs.Factory) else field.default  # type: ignore[arg-type]
    return "none" if value == "" else str(value)


def test_the_page_names_every_setting() -> None:
    """Names, order and defaults are those of the class; what has none is required."""
    section = PAGE.read_text("utf-8").partition("## `WechatSettings`")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \| (.+) \|$", section, re.MULTILINE)
    told = [(name, default.strip().strip("`")) for name, default, _ in rows]
    assert told == [(field.name, _default(field)) for field in attrs.fields(WechatSettings)]
