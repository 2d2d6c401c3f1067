"""S1-5 … S1-9, D39, D40, I-50: identities of every kind, each somebody's or nobody's, with a history."""

from __future__ import annotations

from typing import Any

import pytest
from builders import NOW, Clock, assert_sound, claim_of, event_kinds, order, points_program, refund

from crossloyalty import Loyalty, PhoneIndex, Proof, ProofChecks, Reason, rules
from crossloyalty.application.ports import Storage
from crossloyalty.errors import InvalidInput
from crossloyalty.testing import dump

INDEX = PhoneIndex({1: b"k" * 32})


def door(storage: Storage, clock: Clock, *rewards: Any, **binding: Any) -> Loyalty:
    settings = {name: binding.pop(name) for name in ("enrol_gifts", "backfill_orders") if name in binding}
    program = points_program(*rewards, binding=rules.Binding(**binding), **settings)
    return Loyalty(program, storage, clock=clock, checks=ProofChecks(phone_index=INDEX))


def test_s1_5_a_member_has_any_number_of_identities(storage: Storage, clock: Clock) -> None:
    """Each kind and each scope is an identity of its own, with its road, its evidence and its time."""
    loyalty = door(storage, clock)
    phone = INDEX.phone("brand-a", "138 0013 8000")
    for platform, value, scope in [
        ("tmall", "AAH-open", "app-1"),
        ("taobao", "ouid-1", "shop-1"),
        ("douyin", "open-1", "shop-a"),
        ("unionid", "o6-union", ""),
        ("openid", "o-open", "wx-app"),
        ("external_userid", "wm-1", "corp-1"),
        ("yz_open_id", "yz-1", ""),
        ("phone", phone, ""),
        ("x_crm_id", "77", ""),
    ]:
        result = loyalty.bind("m1", platform=platform, buyer_id=value, scope=scope, evidence="login", via="callback")
        assert result.bound
        # Only what orders name makes them convert by themselves; the others are there to find the person.
        assert result.automatic is (platform in ("tmall", "taobao", "douyin", "openid", "yz_open_id"))
    held = loyalty.identities("m1").items
    assert sorted(each.family for each in held) == sorted(
        ["taobao", "taobao", "douyin", "unionid", "wechat", "external_userid", "youzan", "phone", "x_crm_id"]
    )
    assert {(each.state, each.via, each.evidence, each.bound_at, each.ended_at) for each in held} == {
        ("ACTIVE", "callback", "login", NOW, None)
    }
    assert_sound(loyalty)


def test_s1_8_a_member_may_begin_with_an_external_userid(storage: Storage, clock: Clock) -> None:
    """Known by one id only, somebody earns; a phone comes later, and nothing of what was there is lost."""
    loyalty = door(storage, clock)
    assert loyalty.bind("m1", platform="external_userid", buyer_id="wm-1", scope="corp").bound
    loyalty.ingest([order(1)])
    assert claim_of(loyalty, "m1", order(1)).created
    assert loyalty.bind("m1", platform="phone", buyer_id=INDEX.phone("brand-a", "13800138000")).bound
    assert (len(loyalty.identities("m1").items), loyalty.member("m1").points) == (2, 100)


@pytest.mark.parametrize(
    ("platform", "value"),
    [
        ("taobao", "t**3"),
        ("taobao", "t＊＊3"),
        ("phone", "138****8000"),
        ("phone", "13800138000"),
        ("oaid", "1a2b3c"),
        ("buyer_nick", "t3"),
        ("unknown", "x"),
        ("x_", "x"),
    ],
)
def test_i_50_what_names_nobody_is_refused(storage: Storage, clock: Clock, platform: str, value: str) -> None:
    """Masked values, address ids, phones in plain text and unknown kinds bind nobody; no error shows a phone."""
    loyalty = door(storage, clock)
    before = dump(storage)
    with pytest.raises(InvalidInput) as error:
        loyalty.bind("m1", platform=platform, buyer_id=value)
    assert "13800138000" not in str(error.value)
    assert dump(storage) == before


def test_i_50_an_order_with_a_masked_buyer_has_none(storage: Storage, clock: Clock) -> None:
    """A masked id in an order makes no buyer: the order is typed, like any of an unknown buyer."""
    loyalty = door(storage, clock)
    masked = order(1, buyer_id="t**3", buyer_scope="shop", beneficiary_id="李**")
    loyalty.ingest([masked])
    assert dump(storage)["buyers"] == []
    assert claim_of(loyalty, "m1", masked).created


def test_d39_an_unbound_identity_cools_down(storage: Storage, clock: Clock) -> None:
    """For 30 days it is its last member's only; on the 30th day, to the second, anybody can bind it."""
    loyalty = door(storage, clock)
    loyalty.bind("m1", platform="taobao", buyer_id="b1")
    left = loyalty.unbind("m1", platform="tmall", buyer_id="b1", reason="sold the account")
    assert left.unbound
    assert left.free_at is not None
    assert (left.free_at - NOW).days == 30
    assert loyalty.unbind("m1", platform="taobao", buyer_id="b1") == left
    assert loyalty.unbind("m2", platform="taobao", buyer_id="b1").unbound is False
    clock.move(days=30, seconds=-1)
    assert loyalty.bind("m2", platform="taobao", buyer_id="b1").reason is Reason.IDENTITY_COOLING
    assert loyalty.ingest([order(1, buyer_id="b1")]).claims_created == 0
    clock.move(seconds=1)
    result = loyalty.bind("m2", platform="taobao", buyer_id="b1")
    assert (result.bound, result.converted) == (True, (order(1).order_no,))
    assert [(each.state, each.ended_at) for each in loyalty.identities("m1").items] == [("UNBOUND", NOW)]
    assert event_kinds(loyalty, "identity.bound", "identity.unbound") == [
        "identity.bound",
        "identity.unbound",
        "identity.bound",
    ]
    assert_sound(loyalty)


def test_d39_its_last_member_and_an_operator_need_not_wait(storage: Storage, clock: Clock) -> None:
    """The same member binds it again at once; an operator with evidence gives it to another."""
    loyalty = door(storage, clock)
    loyalty.bind("m1", platform="taobao", buyer_id="b1")
    loyalty.unbind("m1", platform="taobao", buyer_id="b1")
    assert loyalty.bind("m1", platform="taobao", buyer_id="b1").bound
    loyalty.unbind("m1", platform="taobao", buyer_id="b1")
    with pytest.raises(InvalidInput, match="evidence"):
        loyalty.bind("m2", platform="taobao", buyer_id="b1", via="operator")
    assert loyalty.bind("m2", platform="taobao", buyer_id="b1", via="operator", evidence="passport seen").bound
    assert_sound(loyalty)


def test_d39_claims_debts_and_gifts_stay(storage: Storage, clock: Clock) -> None:
    """Who spent, was refunded and unbinds keeps the debt; the identity is nobody's as long as it is open."""
    loyalty = door(
        storage, clock, rules.PointsPerYuan("1"), rules.Coupon("WELCOME", once_per="member"), cooldown_days=0
    )
    bought = order(1, buyer_id="b1")
    loyalty.ingest([bought])
    loyalty.bind("m1", platform="taobao", buyer_id="b1")
    loyalty.adjust("m1", asset="points", amount=-80, key="spent")
    loyalty.ingest([refund(bought, 9_000)])
    assert loyalty.member("m1").balances["points"].debt == 70  # 90 to take, 20 there
    loyalty.unbind("m1", platform="taobao", buyer_id="b1")
    assert [claim.order_no for claim in loyalty.claims("m1").items] == [bought.order_no]
    assert loyalty.bind("m2", platform="taobao", buyer_id="b1").reason is Reason.DEBT_OPEN
    loyalty.adjust("m1", asset="points", amount=70, key="paid")
    loyalty.ingest([order(2, buyer_id="b1")])
    result = loyalty.bind("m2", platform="taobao", buyer_id="b1")
    assert result.converted == (order(2).order_no,)
    # The coupon for the first order went to the identity's history: m2 gets the points, and no second coupon.
    assert (loyalty.member("m2").points, loyalty.member("m2").coupons) == (100, ())
    assert [coupon.code for coupon in loyalty.member("m1").coupons] == ["WELCOME"]
    assert_sound(loyalty)


def test_d39_the_newcomer_gift_is_given_once_to_an_identity(storage: Storage, clock: Clock) -> None:
    """Unbind and bind under a new member, and enrol again: the gift is not there a second time."""
    loyalty = door(storage, clock, enrol_gifts=[rules.EnrolGift("hi", rules.PointsFixed(50))], cooldown_days=0)
    loyalty.bind("m1", platform="unionid", buyer_id="o6")
    loyalty.enrol("m1")
    loyalty.unbind("m1", platform="unionid", buyer_id="o6")
    loyalty.bind("m2", platform="unionid", buyer_id="o6")
    assert loyalty.enrol("m2").created
    assert (loyalty.member("m1").points, loyalty.member("m2").points) == (50, 0)
    assert_sound(loyalty)


def test_d39_orders_on_their_way_go_to_whoever_is_bound_next(storage: Storage, clock: Clock) -> None:
    """What the member had not got yet is not shown for them any more, and converts for the next one."""
    loyalty = door(storage, clock, cooldown_days=0)
    from crossloyalty import OrderStatus

    loyalty.bind("m1", platform="taobao", buyer_id="b1")
    loyalty.ingest([order(1, buyer_id="b1", status=OrderStatus.SHIPPED, finished_at=None)])
    assert len(loyalty.orders("m1").items) == 1
    loyalty.unbind("m1", platform="taobao", buyer_id="b1")
    assert loyalty.orders("m1").items == ()
    result = loyalty.bind("m2", platform="taobao", buyer_id="b1")
    assert [(each.reason, each.created) for each in result.backfill] == [(Reason.NOT_FINISHED, False)]
    assert loyalty.ingest([order(1, buyer_id="b1", modified_at=NOW)]).claims_created == 1
    assert loyalty.member("m2").points == 100
    assert_sound(loyalty)


def test_d40_move_needs_evidence_as_strong_as_the_binding(storage: Storage, clock: Clock) -> None:
    """The host's word does not beat the platform's; the platform's beats the host's; without evidence nothing moves."""
    loyalty = door(storage, clock, conflict="move")
    loyalty.bind("m1", platform="taobao", buyer_id="b1", evidence="login")
    assert loyalty.bind("m2", platform="taobao", buyer_id="b1").reason is Reason.OTHER_BUYER
    assert loyalty.bind("m2", platform="taobao", buyer_id="b1", evidence="oauth", via="callback").bound
    assert loyalty.bind("m1", platform="taobao", buyer_id="b1", evidence="login").reason is Reason.OTHER_BUYER
    assert [(each.state, each.via) for each in loyalty.identities("m1").items] == [("UNBOUND", "host")]
    assert [(each.state, each.via) for each in loyalty.identities("m2").items] == [("ACTIVE", "callback")]
    assert_sound(loyalty)


def test_d40_a_conflict_can_be_put_to_review(storage: Storage, clock: Clock) -> None:
    """Staff look at it, and the second member is told; approved it moves, refused it stays; a repeat is no new case."""
    loyalty = door(storage, clock, conflict="review")
    loyalty.bind("m1", platform="taobao", buyer_id="b1")
    for _ in range(2):
        result = loyalty.bind("m2", platform="taobao", buyer_id="b1", evidence="login")
        assert (result.bound, result.reason) == (False, Reason.IN_REVIEW)
    loyalty.bind("m3", platform="taobao", buyer_id="b1")
    first, second = loyalty.reviews().items
    assert [(each.kind, each.member_id) for each in (first, second)] == [("binding", "m2"), ("binding", "m3")]
    told = loyalty.refuse(second.id, reason="no evidence", operator="ann", key="k1")
    assert (told.done, told.state, told.holder_id) == (True, "REFUSED", "m1")
    told = loyalty.approve(first.id, reason="phone call", operator="ann", key="k2")
    assert (told.done, told.state, told.holder_id) == (True, "ACTIVE", "m2")
    assert loyalty.approve(first.id, reason="phone call", operator="ann", key="k2") == told
    assert loyalty.approve(first.id, reason="again", operator="ann", key="k3").done is False
    assert loyalty.reviews().items == ()
    assert loyalty.ingest([order(1, buyer_id="b1")]).claims_created == 1
    assert loyalty.member("m2").points == 100
    assert event_kinds(loyalty, "identity.conflict") == ["identity.conflict"] * 2
    assert_sound(loyalty)


def test_s0_8_the_first_claim_binds_its_buyer(storage: Storage, clock: Clock) -> None:
    """By default the buyer belongs to the claimer, with evidence and time; the next order converts alone."""
    loyalty = door(storage, clock)
    first = order(1, buyer_id="b1")
    loyalty.ingest([first])
    assert claim_of(loyalty, "m1", first).created
    [identity] = loyalty.identities("m1").items
    assert (identity.buyer_id, identity.via, identity.bound_at) == ("b1", "claim:amount_and_day", NOW)
    assert first.order_no in identity.evidence
    assert loyalty.ingest([order(2, buyer_id="b1")]).claims_created == 1
    assert claim_of(loyalty, "m2", order(2, buyer_id="b1")).public.reason is Reason.ALREADY_CLAIMED
    assert_sound(loyalty)


@pytest.mark.parametrize(
    ("on_claim", "bound"), [("never", 0), ("amount_and_day", 1), ("phone_tail", 0), ("by_host", 0)]
)
def test_s0_8_a_weaker_proof_binds_nobody(storage: Storage, clock: Clock, on_claim: str, bound: int) -> None:
    """What binds is configured: a claim by a weaker proof takes its order and no more."""
    loyalty = door(storage, clock, on_claim=on_claim)
    loyalty.ingest([order(1, buyer_id="b1")])
    assert claim_of(loyalty, "m1", order(1)).created
    assert len(loyalty.identities("m1").items) == bound


def test_s0_8_a_claim_takes_no_identity_off_anybody(storage: Storage, clock: Clock) -> None:
    """What once was somebody else's is not bound by a claim; a ticket that waited binds when its order comes."""
    loyalty = door(storage, clock, on_claim="amount_and_day", cooldown_days=0)
    loyalty.bind("m1", platform="taobao", buyer_id="b1")
    loyalty.unbind("m1", platform="taobao", buyer_id="b1")
    loyalty.ingest([order(1, buyer_id="b1")])
    assert claim_of(loyalty, "m2", order(1)).created
    assert loyalty.identities("m2").items == ()
    waiting = order(2, buyer_id="b2")
    assert claim_of(loyalty, "m2", waiting).state == "PENDING_SYNC"
    assert loyalty.ingest([waiting]).claims_created == 1
    assert [each.buyer_id for each in loyalty.identities("m2").items] == ["b2"]
    assert_sound(loyalty)


def test_s1_6_orders_of_a_phone_convert(storage: Storage, clock: Clock) -> None:
    """With `by_phone` an order whose receiver's phone is a member's is theirs, whatever another asker shows."""
    index = INDEX.phone("brand-a", "13800138000")
    bought = [order(n, receiver_phone_index=index, buyer_id=f"b{n}") for n in (1, 2)]
    loyalty = door(storage, clock, by_phone=True)
    assert loyalty.bind("m1", platform="phone", buyer_id=index).automatic
    loyalty.ingest(bought[:1])
    assert loyalty.member("m1").points == 100
    assert claim_of(loyalty, "m2", bought[1]).state == "PENDING_SYNC"
    loyalty.ingest(bought[1:])
    assert (loyalty.member("m1").points, loyalty.member("m2").points) == (200, 0)
    assert_sound(loyalty)


def test_s1_6_a_phone_decides_nothing_by_itself(storage: Storage, clock: Clock) -> None:
    """By default the receiver is not taken for the buyer: the order is typed, and the binding says so."""
    index = INDEX.phone("brand-a", "13800138000")
    loyalty = door(storage, clock)
    assert loyalty.bind("m1", platform="phone", buyer_id=index).automatic is False
    assert loyalty.ingest([order(1, receiver_phone_index=index)]).claims_created == 0
    assert claim_of(loyalty, "m2", order(1)).created


def test_s1_9_buyers_without_a_member_are_listed(storage: Storage, clock: Clock) -> None:
    """Bought and bound to nobody, page by page; once bound they are gone from the list."""
    loyalty = door(storage, clock)
    loyalty.ingest([order(n, buyer_id=f"b{n % 5}") for n in range(10)])
    loyalty.bind("m1", platform="taobao", buyer_id="b0")
    seen, after = [], None
    while True:
        page = loyalty.unclaimed_buyers(limit=3, after=after)
        seen += [(each.buyer_id, each.orders) for each in page.items]
        after = page.next
        if after is None:
            break
    assert seen == [("b1", 2), ("b2", 2), ("b3", 2), ("b4", 2)]
    loyalty.unbind("m1", platform="taobao", buyer_id="b0")
    assert len(loyalty.unclaimed_buyers().items) == 5


def test_d41_bind_answers_for_every_past_order(storage: Storage, clock: Clock) -> None:
    """One answer an order, within the cap, the latest first; what is over is left for the next call."""
    loyalty = door(storage, clock, backfill_orders=2)
    loyalty.ingest([order(n, buyer_id="b1", paid_fen=n * 100) for n in (1, 2, 3)])
    result = loyalty.bind("m1", platform="taobao", buyer_id="b1")
    assert [(each.order_no, each.created, each.points) for each in result.backfill] == [
        (order(3).order_no, True, 3),
        (order(2).order_no, True, 2),
    ]
    assert result.left == 1
    again = loyalty.bind("m1", platform="taobao", buyer_id="b1")
    assert ([each.points for each in again.backfill], again.left) == ([1], 0)


def test_s0_11_a_source_without_buyers_says_so(storage: Storage, clock: Clock) -> None:
    """Orders of such a source are counted in the report: they convert by hand only."""
    from crossloyalty.application.ports import SourceCapabilities

    class Export(list[Any]):
        capabilities = SourceCapabilities(auto_convert=False)

    loyalty = door(storage, clock)
    loyalty.bind("m1", platform="taobao", buyer_id="b1")
    report = loyalty.ingest(Export([order(1, buyer_id="b1"), refund(order(2), 5)]))
    assert (report.manual_only, report.claims_created) == (1, 0)
    assert claim_of(loyalty, "m1", order(1), Proof.by_host("chat")).created
