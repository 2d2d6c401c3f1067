"""After-sale cases and message frames of Pinduoduo."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from pinduoduo_payloads import ORDER_NO, SETTINGS, case, node

from crossloyalty.adapters.pinduoduo.messages import frame_answer, frame_shop, read_frame
from crossloyalty.adapters.pinduoduo.refunds import read_refund
from crossloyalty.adapters.wire.reading import Unreadable
from crossloyalty.adapters.wire.values import Doubtful
from crossloyalty.domain.orders import Refund, RefundKind, RefundStatus
from crossloyalty.errors import PlatformUnavailable


def read(**changed: Any) -> Refund:
    """Read the changed case, which has to be believed."""
    found = read_refund(node(case(**changed)))
    assert isinstance(found, Refund), found
    return found


def test_a_case_is_read_whole() -> None:
    """A case that paid ¥49.00 back belongs to the line of its article and has the time of its last change."""
    assert read() == Refund(
        platform="pinduoduo",
        order_no=ORDER_NO,
        refund_id="9100000001",
        status=RefundStatus.SUCCESS,
        amount_fen=4_900,
        line_id="700000001",
        modified_at=datetime.fromtimestamp(1_720_286_400, UTC),
        kind=RefundKind.RETURN,
    )


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ((10,), RefundStatus.SUCCESS),
        ((0, 9, 11, 12, 13, 16, 17, 24, 25), RefundStatus.CLOSED),
        ((2, 3, 4, 5, 6, 7, 8, 14, 15, 18, 21, 22, 27, 31, 32, 33), RefundStatus.OPEN),
    ],
)
def test_every_documented_status_has_its_meaning(statuses: tuple[int, ...], expected: RefundStatus) -> None:
    """Only 10 moves money; what ended otherwise is closed; everything else is open."""
    assert {read(after_sales_status=status).status for status in statuses} == {expected}


@pytest.mark.parametrize(
    ("number", "kind"),
    [(2, RefundKind.RETURN), (3, RefundKind.RETURN), (4, RefundKind.EXCHANGE), (5, RefundKind.EXCHANGE), (9, None)],
)
def test_types_are_numbered_as_the_list_does(number: int, kind: RefundKind | None) -> None:
    """Refund only, return, exchange and resend are the list's 2, 3, 4 and 5; another number is like a return."""
    assert read(after_sales_type=number).kind is kind


@pytest.mark.parametrize("written", ["1720286400", 1720286400, "2024-07-07 01:20:00"])
def test_both_spellings_of_a_time_are_read(written: object) -> None:
    """Seconds as text or number and wall-clock time in Beijing are one moment."""
    assert read(updated_time=written).modified_at == datetime.fromtimestamp(1_720_286_400, UTC)


def test_an_exchange_needs_no_amount() -> None:
    """Only a case that paid money back has to state how much."""
    assert read(after_sales_status=16, after_sales_type=4, refund_amount="").amount_fen == 0
    found = read_refund(node(case(refund_amount="")))
    assert isinstance(found, Doubtful)
    assert (found.code, found.order_no) == ("UNREADABLE", ORDER_NO)
    assert "canary" not in found.payload


@pytest.mark.parametrize("status", [1, 34, 999])
def test_an_unknown_status_is_not_guessed(status: int) -> None:
    """A number that stands in no table goes to review."""
    found = read_refund(node(case(after_sales_status=status)))
    assert isinstance(found, Doubtful)
    assert (found.code, found.refund_id) == ("UNKNOWN_STATUS", "9100000001")


# -- messages ------------------------------------------------------------------------------------------------------


def frame(**changed: Any) -> bytes:
    """Give the frame that announces a trade's success."""
    message = {
        "type": "pdd_trade_TradeSuccess",
        "mallID": 100200300,
        "content": json.dumps({"mall_id": 100200300, "tid": ORDER_NO}),
        **changed.pop("message", {}),
    }
    whole = {"id": 7000001, "commandType": "Common", "time": 1719800400123, "sendTime": 1719800400456, **changed}
    return json.dumps({**whole, "message": message}).encode()


def test_a_frame_names_what_to_fetch() -> None:
    """A message names shop, topic, order and the platform's time in microseconds."""
    pushed = read_frame(SETTINGS, frame())
    assert pushed is not None
    assert (pushed.topic, pushed.order_no, pushed.refund_id, pushed.shop_id, pushed.sent_at) == (
        "pdd_trade_TradeSuccess",
        ORDER_NO,
        "",
        "100200300",
        1_719_800_400_123_000,
    )


@pytest.mark.parametrize("content", [{"tid": "1-2", "refund_id": 5}, {"order_sn": "1-2", "after_sales_id": "5"}])
def test_refund_messages_are_read_under_both_names(content: dict[str, Any]) -> None:
    """What refund messages call order and case is not documented, so both names are understood."""
    pushed = read_frame(SETTINGS, frame(message={"type": "pdd_refund_RefundCreated", "content": json.dumps(content)}))
    assert pushed is not None
    assert (pushed.order_no, pushed.refund_id) == ("1-2", "5")


def test_a_repeat_is_known_and_another_message_is_not_taken_for_it() -> None:
    """The same message sent again has the same id; another topic, order or number has another."""
    first = read_frame(SETTINGS, frame())
    assert first is not None
    again = read_frame(SETTINGS, frame(sendTime=1719801000456))
    assert again is not None
    assert again.message_id == first.message_id
    others = [
        frame(id=7000002),
        frame(message={"type": "pdd_trade_TradeConfirmed"}),
        frame(message={"content": json.dumps({"tid": "240701-1"})}),
    ]
    ids = {pushed.message_id for pushed in (read_frame(SETTINGS, each) for each in others) if pushed is not None}
    assert len(ids | {first.message_id}) == 4


def test_frames_that_are_no_messages_are_nothing() -> None:
    """A heartbeat's answer is neither read nor acknowledged."""
    for quiet in (b'{"commandType":"HeartBeat"}', b"{}"):
        assert read_frame(SETTINGS, quiet) is None
        assert frame_answer(quiet, datetime(2024, 7, 1, tzinfo=UTC), taken=True) == b""
        assert frame_shop(quiet) == ""


def test_the_acknowledgement_names_the_message() -> None:
    """What was taken is acknowledged with the message's own numbers; what was not is passed over in silence."""
    now = datetime.fromtimestamp(1_719_800_400.5, UTC)
    assert json.loads(frame_answer(frame(), now, taken=True)) == {
        "commandType": "Ack",
        "time": 1719800400500,
        "id": 7000001,
        "sendTime": 1719800400456,
        "type": "pdd_trade_TradeSuccess",
        "mallID": 100200300,
    }
    assert frame_answer(frame(), now, taken=False) == b""
    assert frame_shop(frame()) == "100200300"


@pytest.mark.parametrize(
    "body",
    [
        frame(message={"mallID": 1}),
        frame(message={"content": "[]"}),
        b'{"commandType":"Common"}',
        b'{"commandType":"Common","message":[]}',
        b'{"a":"' + b"x" * 262_144 + b'"}',
        b"[]",
    ],
)
def test_frames_of_another_form_or_shop_are_refused(body: bytes) -> None:
    """Another shop's, a broken or a huge frame is refused and nothing is fetched."""
    with pytest.raises(Unreadable):
        read_frame(SETTINGS, body)


def test_a_frame_that_is_no_json_is_an_outage() -> None:
    """What cannot be parsed at all raises the platform's error."""
    with pytest.raises(PlatformUnavailable):
        read_frame(SETTINGS, b"<html>")
