"""The Weixin shop source keeps every promise of the adapter contract, against its double."""

from __future__ import annotations

import pytest

from crossloyalty.testing import AdapterContract
from crossloyalty.testing.adapter_checks import check_sync_loses_and_doubles_nothing
from crossloyalty.testing.doubles.wechat import WechatKit


class TestWechat(WechatKit, AdapterContract):
    """Lists of numbers by cursor, a call for each order and each case, encrypted messages."""


@pytest.mark.release
def test_two_thousand_orders_are_neither_lost_nor_doubled() -> None:
    """The long check with 2,000 orders; the everyday one pulls fewer, because each takes a call of its own."""
    kit = WechatKit()
    kit.orders = 2000
    check_sync_loses_and_doubles_nothing(kit)
