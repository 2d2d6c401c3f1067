"""The kits of the built-in platforms: one line each, for the contract, the benchmark and the examples."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, Final

from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.adapters.wire.tokens import StoredTokens, Tokens, TokenStore
from crossloyalty.application.sources import AsyncPullSource, PullSource
from crossloyalty.testing.adapter_kit import QUICK, AdapterKit, KitClock
from crossloyalty.testing.doubles import Book, Double, Faults

__all__ = ["PLATFORM_KITS", "BuiltInKit", "platform_kit"]


class BuiltInKit(AdapterKit):
    """
    The kit of a built-in platform, whose classes are found by its name.

    Args:
        platform: The platform's name; its double stands in `crossloyalty.testing.doubles`, and gives `settings()`.
        title: How its classes begin, such as "Kuaishou".
        shop_id: A shop as the platform names it.
        number: Gives the number of the n-th order; None: the double does, by `order_number`.
        pushes: It pushes messages.
        signs: It signs them.
    """

    def __init__(
        self,
        platform: str,
        title: str,
        shop_id: str,
        number: Callable[[int], str] | None = None,
        *,
        pushes: bool = True,
        signs: bool = True,
    ) -> None:
        self.platform = platform
        self.shop_id = shop_id
        self.pushes = pushes
        self.signs = signs
        self._title = title
        self._double: Any = getattr(import_module(f"crossloyalty.testing.doubles.{platform}"), f"{title}Double")
        self._adapter = import_module(f"crossloyalty.adapters.{platform}")
        self._number: Callable[[int], str] = self._double.order_number if number is None else number

    def number(self, place: int) -> str:
        """See `AdapterKit.number`."""
        return self._number(place)

    def make_double(self, book: Book, faults: Faults, clock: KitClock) -> Double:
        """See `AdapterKit.make_double`."""
        double: Double = self._double(book, faults=faults, clock=clock)
        return double

    def make_source(self, double: Double, *, tokens: TokenStore, clock: KitClock) -> PullSource:
        """See `AdapterKit.make_source`."""
        make = getattr(self._adapter, f"{self._title}Source")
        ports = {"tokens": self._authorised(double, tokens), "clock": clock, "options": QUICK}
        source: PullSource = make(self.settings(double), sleep=lambda _: None, **ports)
        return source

    def make_async_source(self, double: Double, *, tokens: TokenStore, clock: KitClock) -> AsyncPullSource:
        """See `AdapterKit.make_async_source`."""
        make = getattr(self._adapter, f"Async{self._title}Source")
        ports = {"tokens": self._authorised(double, tokens), "clock": clock, "options": QUICK}
        source: AsyncPullSource = make(self.settings(double), **ports)
        return source

    def settings(self, double: Any) -> Any:
        """Give the settings of a source that talks to a double."""
        return double.settings()

    def _authorised(self, double: Double, tokens: TokenStore) -> TokenStore:
        """Put the tokens of the merchant's consent there, once."""
        if tokens.load(self.platform, self.shop_id).version == 0:
            access, refresh = double.first_tokens()
            first = Tokens(access=Secret(access), refresh=Secret(refresh))
            tokens.swap(self.platform, self.shop_id, 0, StoredTokens(version=1, tokens=first))
        return tokens


def _counted(form: str, begin: int = 0) -> Callable[[int], str]:
    return lambda place: form.format(begin + place)


_KUAISHOU_SHOP: Final = "f1880000000000000000000000000009"
PLATFORM_KITS: Final[Mapping[str, Callable[[], AdapterKit]]] = {
    "douyin": lambda: BuiltInKit("douyin", "Douyin", "4463798"),
    "kuaishou": lambda: BuiltInKit("kuaishou", "Kuaishou", _KUAISHOU_SHOP, _counted("{}", 2_400_000_000_000_000)),
    "pinduoduo": lambda: BuiltInKit("pinduoduo", "Pinduoduo", "100200300", pushes=False),
    "wechat": lambda: BuiltInKit("wechat", "Wechat", "wx0000000000000001", _counted("{}", 3_700_000_000_000_000_000)),
    "xiaohongshu": lambda: BuiltInKit(
        "xiaohongshu", "Xiaohongshu", "shop-1", _counted("P{}", 700_000_000_000_000_000), signs=False
    ),
    "youzan": lambda: BuiltInKit("youzan", "Youzan", "12345678", _counted("E2026{:019}")),
}


def platform_kit(name: str) -> AdapterKit:
    """Give the kit of a built-in platform."""
    return PLATFORM_KITS[name]()
