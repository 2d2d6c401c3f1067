"""What a source can do decides how its orders are taken in, never its platform's name (S0-11)."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from builders import Clock, assert_sound, claim_of, order, points_program

from crossloyalty import Loyalty, Order, Refund
from crossloyalty.adapters.exports import read_export
from crossloyalty.application.ports import OrderSource, SourceCapabilities, Storage

DATA = Path(__file__).parents[2] / "examples" / "data"


class Source:
    """A source of one order whose buyer is known."""

    def __init__(self, capabilities: SourceCapabilities) -> None:
        self.capabilities = capabilities

    def __iter__(self) -> Iterator[Order | Refund]:
        yield order(buyer_id="b1")


@pytest.mark.parametrize("auto_convert", [True, False])
def test_automatic_conversion_is_a_capability(storage: Storage, clock: Clock, auto_convert: bool) -> None:
    """A bound buyer's order converts by itself only from a source that can; from another the member claims by hand."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    loyalty.bind("m1", platform="taobao", buyer_id="b1")
    source = Source(SourceCapabilities(auto_convert=auto_convert, buyer_id_scope="platform"))
    assert isinstance(source, OrderSource)
    report = loyalty.ingest(source)
    assert report.claims_created == int(auto_convert)
    assert claim_of(loyalty, "m1", order()).created is not auto_convert
    assert loyalty.member("m1").points == 100
    assert_sound(loyalty)


def test_an_export_file_is_a_source() -> None:
    """A reader of an export file says that members claim by hand, and whether refunds are stated."""
    with read_export(DATA / "ExportOrderList202611200930.csv", shop_id="s1") as taobao:
        assert isinstance(taobao, OrderSource)
        assert taobao.capabilities == SourceCapabilities(refund_detail=True)
    with read_export(DATA / "1795138200_douyin_orders.csv", shop_id="s2") as douyin:
        assert douyin.capabilities == SourceCapabilities(refund_detail=False)
