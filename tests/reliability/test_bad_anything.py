"""Anything at all, claimed and ingested: only errors of our tree escape, and what is answered can be shown."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import pytest
from bad_values import MESSAGE_CHARACTERS, WRONG_TYPES, check_message, filled
from builders import CREATED, FINISHED
from harness import FIRST
from hypothesis import given, settings
from hypothesis import strategies as st

from crossloyalty import Loyalty, Order, OrderStatus, Proof, Refund, RefundStatus
from crossloyalty.errors import CrossloyaltyError
from crossloyalty.storage.memory import MemoryStorage

SOUP = "0123456789 -_=\"'.eE+Pp\t\n\0\u200b\ufeff\u3000０１９Ｅ．＝²①٣\ud800\udfff零一\U0001f600"
TEXTS = st.text(SOUP, max_size=40) | st.text(max_size=20) | st.sampled_from([FIRST.order_no, "m1", "jd", "taobao", ""])
ANYTHING = (
    TEXTS
    | st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.binary(max_size=8)
    | st.decimals()
    | st.datetimes()
    | st.lists(st.integers(), max_size=3)
    | st.sampled_from(list(WRONG_TYPES.values()))
)


def tried(make: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Give what a call gives; None when it is refused with an error of our tree that is fit for a log."""
    try:
        return make(*args, **kwargs)
    except CrossloyaltyError as error:
        check_message(error)
        return None


@pytest.fixture(scope="module")
def memory_door() -> Loyalty:
    """Give a door to a filled store in memory."""
    return filled(MemoryStorage())


@given(member=ANYTHING, platform=ANYTHING, number=ANYTHING, proof=ANYTHING, amount=ANYTHING, day=ANYTHING)
@settings(max_examples=150)
def test_whatever_is_claimed_only_our_errors_escape(
    memory_door: Loyalty, member: Any, platform: Any, number: Any, proof: Any, amount: Any, day: Any
) -> None:
    """Whatever is passed to claim, it answers or raises an error of our tree, and both can be shown."""
    shown = tried(Proof.amount_and_day, paid_fen=amount, paid_on=day) or tried(Proof.by_host, proof)
    for given_proof in (shown or Proof.none(), proof):
        answer = tried(memory_door.claim, member, platform=platform, order_no=number, proof=given_proof)
        if answer is not None:
            assert answer.explain("zh").encode()
            assert repr(answer).encode()
            assert pickle.loads(pickle.dumps(answer)) == answer


@given(
    platform=ANYTHING,
    number=ANYTHING,
    fields=st.dictionaries(
        st.sampled_from(
            ["shop_id", "buyer_id", "status", "paid_fen", "paid_at", "modified_at", "lines", "refund_open"]
        ),
        ANYTHING | st.sampled_from([FINISHED, CREATED, OrderStatus.FINISHED, OrderStatus.CLOSED, 5_000]),
        max_size=4,
    ),
    amount=ANYTHING,
    refund_id=ANYTHING,
    item=ANYTHING,
)
@settings(max_examples=150)
def test_whatever_is_ingested_only_our_errors_escape(
    memory_door: Loyalty, platform: Any, number: Any, fields: dict[str, Any], amount: Any, refund_id: Any, item: Any
) -> None:
    """Whatever is built into facts and ingested, it is taken in, rejected with a sentence, or an error of our tree."""
    facts = [
        tried(Order, platform=platform, order_no=number, **fields),
        tried(Order, platform="taobao", order_no=number, **fields),
        tried(
            Refund,
            platform="taobao",
            order_no=FIRST.order_no,
            refund_id=refund_id,
            status=RefundStatus.SUCCESS,
            amount_fen=amount,
        ),
        item,
    ]
    report = memory_door.ingest([fact for fact in facts if fact is not None])
    assert report.seen == report.changed + report.unchanged + report.rejected_count
    for rejected in report.rejected:
        assert len(rejected.sentence_en) <= MESSAGE_CHARACTERS
        assert rejected.sentence_en.isprintable()
