"""The kits of the built-in platforms: one line each, for the benchmark, the examples and whoever tries them all."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final

from crossloyalty.testing.adapter_kit import AdapterKit

__all__ = ["PLATFORM_KITS", "platform_kit"]

# The module inside `crossloyalty.testing.doubles`, and its kit.
PLATFORM_KITS: Final[Mapping[str, str]] = {
    "jd": "jd:JdKit",
    "kuaishou": "kuaishou:KuaishouKit",
    "taobao": "taobao:TaobaoKit",
    "wechat": "wechat:WechatKit",
    "xiaohongshu": "xiaohongshu:XiaohongshuKit",
    "youzan": "youzan:YouzanKit",
}


def platform_kit(name: str) -> AdapterKit:
    """Give the kit of a built-in platform."""
    module, _, kit = PLATFORM_KITS[name].partition(":")
    made: Any = getattr(import_module(f"crossloyalty.testing.doubles.{module}"), kit)
    known: AdapterKit = made()
    return known
