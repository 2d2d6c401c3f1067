"""After-sale cases and pushed messages of Douyin."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from douyin_payloads import LINE_ID, ORDER_NO, SETTINGS, case, detail, node

from crossloyalty.adapters.douyin.messages import read_messages
from crossloyalty.adapters.douyin.refunds import needs_detail, read_refund
from crossloyalty.adapters.wire.reading import Unreadable
from crossloyalty.adapters.wire.values import Doubtful
from crossloyalty.domain.orders import Refund, RefundKind, RefundStatus
from crossloyalty.errors import PlatformUnavailable


def read(details: dict[str, Any] | None = None, /, **info: Any) -> Refund:
    """Read the changed case, which has to be believed."""
    found = read_refund(node(case(info=info)), None if details is None else node(details))
    assert isinstance(found, Refund), found
    return found


def test_a_case_is_read_whole() -> None:
    """A return that paid ¥59.00 back belongs to its sub-order, all of it goods."""
    assert read() == Refund(
        platform="douyin",
        order_no=ORDER_NO,
        refund_id="7000000000000000009",
        status=RefundStatus.SUCCESS,
        amount_fen=5_900,
        line_id=LINE_ID,
        goods_fen=5_900,
        shipping_fen=0,
        subsidy_fen=0,
        modified_at=datetime.fromtimestamp(1_720_286_400, UTC),
        kind=RefundKind.RETURN,
    )


@pytest.mark.parametrize(
    ("status", "refund_status", "case_type", "expected"),
    [
        (12, 3, 0, RefundStatus.SUCCESS),
        (11, 3, 0, RefundStatus.SUCCESS),
        (28, 3, 0, RefundStatus.SUCCESS),
        (12, 5, 0, RefundStatus.SUCCESS),
        (12, 4, 0, RefundStatus.PAYOUT_FAILED),
        (12, 1, 0, RefundStatus.OPEN),
        (12, 2, 0, RefundStatus.OPEN),
        (12, 0, 3, RefundStatus.CLOSED),
        (12, 0, 7, RefundStatus.CLOSED),
        (14, 0, 3, RefundStatus.CLOSED),
        (28, 1, 0, RefundStatus.CLOSED),
        (28, 4, 0, RefundStatus.CLOSED),
        (6, 1, 0, RefundStatus.OPEN),
        (3, 1, 3, RefundStatus.OPEN),
        (8, 1, 7, RefundStatus.OPEN),
        (27, 1, 0, RefundStatus.OPEN),
        (29, 1, 0, RefundStatus.OPEN),
    ],
)
def test_case_and_money_are_read_together(
    status: int, refund_status: int, case_type: int, expected: RefundStatus
) -> None:
    """Money that went back counts whatever the case says; agreed without money is open, or over for an exchange."""
    assert read(aftersale_status=status, refund_status=refund_status, aftersale_type=case_type).status is expected


@pytest.mark.parametrize(
    ("case_type", "kind"),
    [
        (0, RefundKind.RETURN),
        (1, RefundKind.RETURN),
        (2, RefundKind.RETURN),
        (3, RefundKind.EXCHANGE),
        (6, RefundKind.PRICE_PROTECTION),
        (7, RefundKind.EXCHANGE),
        (8, RefundKind.EXCHANGE),
    ],
)
def test_types_have_their_kind(case_type: int, kind: RefundKind) -> None:
    """Price protection is told apart from returns, exchanges, resends and repairs move no goods' money."""
    assert read(aftersale_type=case_type).kind is kind


def test_shipping_and_the_pay_channels_part_are_taken_apart() -> None:
    """Of ¥59.00 ¥5.00 are shipping and ¥1.00 goes back to the pay channel: ¥53.00 of goods."""
    found = read(refund_post_amount=500, return_promotion_amount=100)
    assert (found.amount_fen, found.goods_fen, found.shipping_fen, found.subsidy_fen) == (5_900, 5_300, 500, 100)


@pytest.mark.parametrize(
    ("real", "goods", "amount"),
    [
        (5_900, 5_800, 5_900),  # the pay channel's ¥1.00 is inside
        (5_800, 5_800, 5_900),  # it is not
        (4_000, 4_000, 4_100),  # less was paid back than asked for
        (None, 5_800, 5_900),
        (0, 0, 100),
    ],
)
def test_what_really_went_back_counts(real: int | None, goods: int, amount: int) -> None:
    """The detail's figure counts, with the pay channel's part taken off where it is inside."""
    found = read(detail(real_refund_amount=real), return_promotion_amount=100)
    assert (found.goods_fen, found.amount_fen, found.subsidy_fen) == (goods, amount, 100)


def test_the_detail_is_asked_for_when_money_went_back() -> None:
    """Only a case whose money is back has a figure that counts in its detail."""
    assert needs_detail(node(case()))
    assert needs_detail(node(case(info={"refund_status": "5"})))
    assert not needs_detail(node(case(info={"refund_status": 1})))
    assert read(detail(real_refund_amount=1), refund_status=1).amount_fen == 5_900


def test_the_detail_of_another_case_is_not_believed() -> None:
    """A detail that names another case goes to review."""
    found = read_refund(node(case()), node(detail(after_sale_id=1)))
    assert isinstance(found, Doubtful)
    named = (found.code, found.order_no, found.refund_id)
    assert named == ("AMOUNT_MISMATCH", ORDER_NO, "7000000000000000009")
    assert "canary" not in found.payload


@pytest.mark.parametrize(
    ("related", "named", "line_id"),
    [
        (LINE_ID, [LINE_ID], LINE_ID),
        (ORDER_NO, [LINE_ID], LINE_ID),
        (ORDER_NO, [LINE_ID, "3"], None),
        (ORDER_NO, [], None),
        (LINE_ID, [], LINE_ID),
    ],
)
def test_a_case_belongs_to_one_sub_order_or_to_the_whole(related: str, named: list[str], line_id: str | None) -> None:
    """One sub-order named is the line; several, or the order itself, are the whole order."""
    info = {"shop_order_id": ORDER_NO, "related_order_info": [{"sku_order_id": each} for each in named]}
    found = read_refund(node(case(info={"related_id": related}, order_info=info)))
    assert isinstance(found, Refund)
    assert found.line_id == line_id


@pytest.mark.parametrize(
    ("info", "code"),
    [
        ({"aftersale_status": 99}, "UNKNOWN_STATUS"),
        ({"refund_status": 9}, "UNKNOWN_STATUS"),
        ({"aftersale_type": 9}, "UNKNOWN_STATUS"),
        ({"refund_amount": None}, "UNREADABLE"),
        ({"aftersale_id": ""}, "UNREADABLE"),
        ({"refund_amount": "59.00"}, "UNREADABLE"),
    ],
)
def test_what_cannot_be_believed_goes_to_review(info: dict[str, Any], code: str) -> None:
    """Unknown numbers and broken fields are not guessed."""
    found = read_refund(node(case(info=info)))
    assert isinstance(found, Doubtful)
    assert found.code == code


# -- messages ------------------------------------------------------------------------------------------------------


def body(*messages: dict[str, Any]) -> bytes:
    """Give a body with these messages, their data as JSON text."""
    return json.dumps([{**each, "data": json.dumps(each.get("data", {}))} for each in messages]).encode()


SUCCESS = {
    "tag": "103",
    "msg_id": "7000000000000000001:1:103:1719800400:1",
    "data": {
        "complete_time": 1719800400,
        "order_status": 5,
        "p_id": 6900000000000000001,
        "s_ids": [6900000000000000002],
        "shop_id": 4463798,
    },
}
REFUND = {
    "tag": "206",
    "msg_id": "7000000000000000002",
    "data": {
        "aftersale_id": 7000000000000000009,
        "p_id": 6900000000000000001,
        "shop_id": 4463798,
        "success_time": 1719900000,
        "update_time": "2024-07-02 14:00:00",
    },
}


def test_messages_name_what_to_fetch() -> None:
    """Ids beyond 2^53 stay exact, and each message names shop, topic, order, case and time."""
    first, second = read_messages(SETTINGS, body(SUCCESS, REFUND))
    assert (first.message_id, first.topic, first.order_no, first.refund_id, first.shop_id, first.sent_at) == (
        "7000000000000000001:1:103:1719800400:1",
        "103",
        "6900000000000000001",
        "",
        "4463798",
        1_719_800_400_000_000,
    )
    assert (second.topic, second.refund_id, second.sent_at) == ("206", "7000000000000000009", 1_719_900_000_000_000)


def test_the_probe_of_the_console_is_no_message() -> None:
    """The console's probe carries no JSON inside and names nothing."""
    assert read_messages(SETTINGS, b'[{"tag":"0","msg_id":"0","data":"probe"}]') == []
    assert read_messages(SETTINGS, b"[]") == []


def test_messages_of_another_shop_are_left_out() -> None:
    """An app of several shops gets them all at one address; each source takes its own."""
    other = {**SUCCESS, "msg_id": "2", "data": {**SUCCESS["data"], "shop_id": 1}}  # type: ignore[dict-item]
    assert [each.message_id for each in read_messages(SETTINGS, body(other, SUCCESS))] == [SUCCESS["msg_id"]]


def test_a_message_without_an_id_is_known_by_its_content() -> None:
    """Where the id is missing the same content has the same id and other content another."""
    bare = {"tag": "103", "data": {"p_id": 1}}
    ids = [read_messages(SETTINGS, body(each))[0].message_id for each in (bare, bare, {**bare, "data": {"p_id": 2}})]
    assert ids[0] == ids[1] != ids[2]


@pytest.mark.parametrize(
    "broken",
    [
        b"{}",
        b"[1]",
        b'[{"tag":null}]',
        b'[{"tag":"103","data":"[]"}]',
        b'[{"tag":"103","data":5}]',
        b'[{"tag":"103","data":"{\\"p_id\\":[]}"}]',
        b'[{"tag":"103","data":"{\\"p_id\\":\\"a\\\\u0000\\"}"}]',
        b"[" + b",".join([b"{}"] * 1_001) + b"]",
    ],
)
def test_bodies_of_another_form_are_refused(broken: bytes) -> None:
    """What has not the form of messages is refused as a whole."""
    with pytest.raises(Unreadable):
        read_messages(SETTINGS, broken)


@pytest.mark.parametrize("broken", [b"", b"<html>", b'[{"tag":"103","data":"{"}]'])
def test_a_body_that_is_no_json_is_an_outage(broken: bytes) -> None:
    """What cannot be parsed, outside or inside, raises the platform's error."""
    with pytest.raises(PlatformUnavailable):
        read_messages(SETTINGS, broken)
