"""Refunds of JD become facts with ids that never collide: applications in fen, after-sale refunds in yuan."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from jd_wire import ORDER_NO, PHONE, application, parsed, service, settings, sp_service

from crossloyalty.adapters.jd.refunds import read_application, read_service
from crossloyalty.adapters.jd.sp_refunds import read_service as read_sp_service
from crossloyalty.adapters.wire.values import Doubtful
from crossloyalty.domain.orders import Refund, RefundKind, RefundStatus


def test_an_application_is_in_fen() -> None:
    """17600 are ¥176 of the whole order, at the time it was reviewed."""
    assert read_application(parsed(application()), settings()) == Refund(
        platform="jd",
        order_no=ORDER_NO,
        refund_id="apply-5001",
        status=RefundStatus.SUCCESS,
        amount_fen=17_600,
        modified_at=datetime(2026, 2, 21, 4, 0, tzinfo=UTC),
        kind=RefundKind.RETURN,
    )


def test_an_after_sale_refund_is_in_yuan() -> None:
    """¥44.00 of one item, at the time it was completed."""
    assert read_service(parsed(service()), settings()) == Refund(
        platform="jd",
        order_no=ORDER_NO,
        refund_id="afs-880000001",
        status=RefundStatus.SUCCESS,
        amount_fen=4_400,
        line_id="sku-100010002",
        modified_at=datetime(2026, 3, 5, 8, 20, 30, tzinfo=UTC),
        kind=RefundKind.RETURN,
    )


def test_a_case_of_the_sp_api() -> None:
    """¥45.00 of one item; the refund's own status says that it is back, not that the case is closed."""
    found = read_sp_service(parsed(sp_service(), "data"), settings())
    assert found == Refund(
        platform="jd",
        order_no=ORDER_NO,
        refund_id="afs-880000001",
        status=RefundStatus.SUCCESS,
        amount_fen=4_500,
        line_id="sku-100010002",
        modified_at=datetime.fromtimestamp(1772700000, UTC),
        kind=RefundKind.RETURN,
    )


@pytest.mark.parametrize(
    ("state", "status"),
    [
        *((state, RefundStatus.OPEN) for state in (0, 1, 5, 7, 8, 10, 11)),
        *((state, RefundStatus.CLOSED) for state in (2, 4)),
        *((state, RefundStatus.SUCCESS) for state in (3, 6, 9, 16, "16")),
        (12, None),
        (-1, None),
    ],
)
def test_states_of_an_application(state: Any, status: RefundStatus | None) -> None:
    """Only the states integrators know to have paid back move value; an unpublished one goes to review."""
    found = read_application(parsed(application(status=state)), settings())
    if status is None:
        assert isinstance(found, Doubtful)
        assert (found.code, found.order_no, found.refund_id) == ("UNKNOWN_STATUS", ORDER_NO, "apply-5001")
        named = read_application(parsed(application(status=state)), settings(refunded_states={state}))
        assert isinstance(named, Refund)
    else:
        assert isinstance(found, Refund)
        assert found.status is status


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"status": 13}, RefundStatus.SUCCESS),
        ({"status": 7, "completeTime": None}, RefundStatus.OPEN),
        ({"status": 7, "completeTime": "0001-01-01 00:00:00"}, RefundStatus.OPEN),
        ({"status": 7, "completeTime": None, "refoundAmount": None}, RefundStatus.OPEN),
        ({"status": 7}, None),
    ],
)
def test_states_of_an_after_sale_refund(fields: dict[str, Any], status: RefundStatus | None) -> None:
    """13 is back; an unpublished state is open until it is completed and goes to review then."""
    found = read_service(parsed(service(**fields)), settings())
    if status is None:
        assert isinstance(found, Doubtful)
        assert (found.code, found.order_no, found.refund_id) == ("UNKNOWN_STATUS", ORDER_NO, "afs-880000001")
        closed = read_service(parsed(service(**fields)), settings(closed_service_states={7}))
        assert isinstance(closed, Refund)
        assert closed.status is RefundStatus.CLOSED
    else:
        assert isinstance(found, Refund)
        assert found.status is status


@pytest.mark.parametrize(
    ("money", "main", "status", "amount"),
    [
        ({"refundStatus": 20, "actualRefundAmount": 45}, 100, RefundStatus.SUCCESS, 4_500),
        (
            {"refundStatus": 20, "actualRefundDetail": {"actualRefundAmount": 45.5}},
            30,
            RefundStatus.SUCCESS,
            4_550,
        ),
        ({"refundStatus": 10}, 100, RefundStatus.CLOSED, 0),
        ({"refundStatus": 10}, 30, RefundStatus.OPEN, 0),
        (None, 30, RefundStatus.OPEN, 0),
    ],
)
def test_states_of_a_case(money: Any, main: int, status: RefundStatus, amount: int) -> None:
    """A closed case without a refund is closed; without an amount a success is not believed."""
    value = sp_service(refundInfo=money, afsOrderStatusInfo={"mainStatus": main})
    found = read_sp_service(parsed(value, "data"), settings())
    assert isinstance(found, Refund)
    assert (found.status, found.amount_fen) == (status, amount)
    bare = read_sp_service(parsed(sp_service(refundInfo={"refundStatus": 20}), "data"), settings())
    assert isinstance(bare, Doubtful)
    assert (bare.order_no, bare.refund_id) == (ORDER_NO, "afs-880000001")


def test_one_refund_seen_through_both_gateways_is_one() -> None:
    """Named by its service, routerjson's refund bears the name of the SP-API's case, sound or in doubt."""
    by_service = settings(services_named_by="service")
    bill = {"serviceId": 880000001, "orderId": int(ORDER_NO), "wareId": 100010002}
    seen = [
        read_service(parsed(service(sameOrderServiceBill=bill, afsRefundId=77)), by_service),
        read_service(parsed(service(sameOrderServiceBill=bill, afsRefundId=77, refoundAmount="x")), by_service),
        read_sp_service(parsed(sp_service(afsOrderId=880000001), "data"), settings(api="sp")),
    ]
    assert [(type(each), each.refund_id) for each in seen] == [
        (Refund, "afs-880000001"),
        (Doubtful, "afs-880000001"),
        (Refund, "afs-880000001"),
    ]


def test_without_its_service_a_refund_named_by_it_is_not_believed() -> None:
    """The number of the refund is not taken instead: it may be another service's."""
    found = read_service(
        parsed(service(sameOrderServiceBill={"orderId": int(ORDER_NO)})), settings(services_named_by="service")
    )
    assert isinstance(found, Doubtful)
    assert (found.code, found.refund_id) == ("UNREADABLE", "")


def test_a_case_of_several_items_belongs_to_none() -> None:
    """Its amount is the order's, since shares are not stated."""
    value = sp_service(skuInfoList=[{"skuId": 100010001}, {"skuId": 100010002}])
    found = read_sp_service(parsed(value, "data"), settings())
    assert isinstance(found, Refund)
    assert found.line_id is None


def test_times_of_completion_come_in_two_forms() -> None:
    """Beijing text or milliseconds."""
    found = read_service(parsed(service(completeTime=1772698830000)), settings())
    assert isinstance(found, Refund)
    assert found.modified_at == datetime(2026, 3, 5, 8, 20, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "broken",
    [
        {"status": None},
        {"orderId": None},
        {"orderId": "x"},
        {"id": None},
        {"id": PHONE * 20},
        {"applyRefundSum": None},
        {"applyRefundSum": "176.00"},
        {"applyRefundSum": -1},
        {"checkTime": "soon"},
    ],
)
def test_a_broken_application_is_doubted(broken: dict[str, Any]) -> None:
    """It is set aside with its order's number, and no personal value with it."""
    doubt = read_application(parsed(application(**broken)), settings())
    assert isinstance(doubt, Doubtful)
    assert doubt.code == "UNREADABLE"
    assert PHONE not in doubt.detail + doubt.payload
    assert "张三" not in doubt.payload


@pytest.mark.parametrize(
    "broken",
    [
        {"sameOrderServiceBill": None},
        {"status": "x"},
        {"afsRefundId": None},
        {"refoundAmount": None},
        {"completeTime": "soon"},
    ],
)
def test_a_broken_after_sale_refund_is_doubted(broken: dict[str, Any]) -> None:
    """It is set aside, with its order's number where that can be read."""
    doubt = read_service(parsed(service(**broken)), settings())
    assert isinstance(doubt, Doubtful)
    assert (doubt.code, doubt.order_no) == ("UNREADABLE", "" if "sameOrderServiceBill" in broken else ORDER_NO)
