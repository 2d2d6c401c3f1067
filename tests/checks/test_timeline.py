"""Capability S1-11: what happened to a member, told moment by moment."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

from builders import Clock, all_items, convert, day, order, points_program, refund, section8_program

from crossloyalty import Loyalty
from crossloyalty.application.ports import Storage
from crossloyalty.domain.event_sentences import EVENT_KINDS, event_sentence

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "events.md"


def test_s1_11_moments_come_latest_first_with_sentences(storage: Storage, clock: Clock) -> None:
    """A claim and a refund are two moments; what each did is told in both languages."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    convert(loyalty, "m1", order(1))
    clock.move(hours=1)
    loyalty.ingest([refund(order(1), 4_000)])
    later, earlier = loyalty.timeline("m1").items
    number = order(1).order_no
    assert [each.sentence() for each in earlier.happenings] == [
        f"积分 +100：已到账（{number}）。",
        f"订单兑换成功（{number}）。",
    ]
    assert [each.sentence("en") for each in later.happenings] == [
        f"Points -40: taken back ({number}).",
        f"Claim changed ({number}).",
    ]
    assert later.at > earlier.at


def test_s1_11_pages_run_over_everybody_who_was_merged(storage: Storage, clock: Clock) -> None:
    """The moments of both ids come in one list, none twice and none missing, and old ones stay told."""
    loyalty = Loyalty(section8_program(), storage, clock=clock)
    for n in range(1, 7):
        clock.move(minutes=1)
        convert(loyalty, "ab"[n % 2], order(n))
    clock.move(minutes=1)
    loyalty.merge("a", "b", key="m")
    whole = loyalty.timeline("a").items
    assert len(whole) == 8  # six claims, and the merge as both were told of it
    assert [moment.at for moment in whole] == sorted((moment.at for moment in whole), reverse=True)
    assert {moment.member_id for moment in whole} == {"a", "b"}
    assert all_items(lambda **page: loyalty.timeline("b", **page), 3) == list(whole)


def test_s1_11_somebody_unknown_has_no_timeline(storage: Storage, clock: Clock) -> None:
    """Nothing happened to somebody never seen."""
    page = Loyalty(points_program(), storage, clock=clock).timeline("nobody")
    assert (page.items, page.next) == ((), None)


def test_s1_10_a_member_at_a_glance_shows_identities_and_the_newest_orders(storage: Storage, clock: Clock) -> None:
    """Of 25 orders of two ids the 20 latest are there, latest first; identities are masked; all ids are named."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    for n in range(25):
        convert(loyalty, "ab"[n % 2], order(n, finished_at=day(5) + timedelta(hours=n)))
    loyalty.bind("b", platform="douyin", buyer_id="open-id-of-b", scope="shop-1")
    loyalty.merge("a", "b", key="m")
    member = loyalty.member("b")
    assert [each.order_no for each in member.newest_orders] == [order(n).order_no for n in range(24, 4, -1)]
    assert [(each.family, each.scope, each.shown) for each in member.identities] == [("douyin", "shop-1", "ope****-b")]
    assert (member.ids, member.orders) == (("a", "b"), 25)


def test_every_event_has_its_sentence() -> None:
    """Each kind the reference names is told in words of its own, in both languages, and none is just its name."""
    rows = [line.split("|")[1] for line in PAGE.read_text("utf-8").splitlines() if line.startswith("| `")]
    kinds = {kind for row in rows for kind in re.findall(r"`([a-z_]+\.[a-z_]+)`", row)}
    assert len(kinds) > 30
    for kind in kinds:
        about = kind.partition(".")[0]
        asset = "coupon:X" if about == "coupon" else about
        body = {"asset": asset, "amount": 1} if about in ("points", "growth", "stored_value", "coupon") else {}
        zh, en = event_sentence(kind, body, "zh"), event_sentence(kind, body, "en")
        assert kind not in (zh + en), kind
        assert re.search("[\u4e00-\u9fff]", zh), kind
        assert en.isascii(), kind
    assert all(kind in kinds or any(each.endswith(f".{kind}") for each in kinds) for kind in EVENT_KINDS)
