"""Whatever Xiaohongshu answers, its parsers give an order, a refund, a doubt or a typed error, and nothing else."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from xiaohongshu_payloads import SKU, case, order, settings, sku

from crossloyalty.adapters.wire.values import Answer, Call, Doubtful, Fault
from crossloyalty.adapters.xiaohongshu.answers import fault_of
from crossloyalty.adapters.xiaohongshu.orders import has_after_sale, order_no_of, read_order
from crossloyalty.adapters.xiaohongshu.refunds import read_refund, refund_id_of
from crossloyalty.domain.orders import Order, Refund
from crossloyalty.errors import PlatformUnavailable

CALL = Call(name="order.getOrderDetail", method="POST", url="https://ark.xiaohongshu.com/ark/open_api/v3")
FULL_ORDER = order(
    orderType=2,
    totalDepositAmount=2000,
    skuList=[sku(totalPaidAmount=7800, skuDetailList=[{"skuId": SKU, "quantity": 2, "depositAmountPerSku": 1000}])],
)

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=30) | st.decimals(allow_nan=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=6,
)


def mutated(value: Any, data: st.DataObject) -> Any:
    """Give a payload with one to three of its parts, at any depth, put in place of by anything."""
    value = copy.deepcopy(value)
    for _ in range(data.draw(st.integers(1, 3))):
        where = value
        while True:
            keys = list(where) if isinstance(where, dict) else list(range(len(where)))
            if not keys:
                break
            key = data.draw(st.sampled_from(keys))
            if isinstance(where[key], (dict, list)) and where[key] and data.draw(st.booleans()):
                where = where[key]
                continue
            where[key] = data.draw(anything)
            break
    return value


def check(data: st.DataObject) -> None:
    raw, back = mutated(FULL_ORDER, data), mutated(case(), data)
    order_no_of(raw), has_after_sale(raw), refund_id_of(back)
    for given_ in (raw, data.draw(anything)):
        for subtract in (False, True):
            made = read_order(given_, settings(subtract_pay_discount=subtract))
            assert isinstance(made, (Order, Doubtful))
    for given_ in (back, data.draw(anything)):
        assert isinstance(read_refund(given_), (Refund, Doubtful))
    try:
        found = fault_of(Answer(status=200, body=json.dumps(data.draw(anything), default=str).encode()), CALL)
        assert found is None or isinstance(found, Fault)
    except PlatformUnavailable:
        pass


@examples(max_examples=75, deadline=None)
@given(st.data())
def test_mutated_payloads_are_read_or_held_back(data: st.DataObject) -> None:
    """Parts of the sample replaced by anything, and anything at all, never raise."""
    check(data)


@pytest.mark.release
@examples(max_examples=20_000, deadline=None)
@given(st.data())
def test_many_mutated_payloads_are_read_or_held_back(data: st.DataObject) -> None:
    """The same, long enough to meet pairs of oddities."""
    check(data)
