"""Capabilities S0-15, S0-17, S0-19, S3-4, S3-9, S3-24 and S4-3, and worked check D47, on the program of the design."""

from datetime import date, timedelta

import attrs
import pytest
from builders import (
    FINISHED,
    NOW,
    Clock,
    assert_sound,
    claim_of,
    convert,
    day,
    event_kinds,
    net_entries,
    number,
    order,
    points_program,
    refund,
    right_proof,
    section8_program,
)

from crossloyalty import ClaimRequest, Loyalty, Order, OrderStatus, Platform, Proof, Reason, rules
from crossloyalty.application.ports import Add, Change, Delete, Replace, Storage
from crossloyalty.domain.records import (
    ROOT_KINDS,
    AccountRecord,
    ClaimRecord,
    DeliveryRecord,
    EntryRecord,
    EventRecord,
    Key,
    LotRecord,
    MemberGrantRecord,
    MemberRecord,
    OrderRecord,
    Record,
    SpendDayRecord,
    TagRecord,
    key_of,
)
from crossloyalty.errors import InvalidInput, ProgramDiffers
from crossloyalty.testing.dump import dump


def _ten_orders() -> list[Order]:
    return [order(n, "taobao" if n % 2 else "douyin", paid_fen=20_000) for n in range(10)]


def test_s0_15_golden(storage: Storage, clock: Clock) -> None:
    """10 orders on 2 platforms, 2,000 yuan: 2,000 points and 白银 at 200,000 fen; then issue and refund."""
    loyalty = Loyalty(section8_program(), storage, clock=clock)
    clock.set(day(6))
    results = convert(loyalty, "m1", *_ten_orders())
    assert [result.points for result in results] == [200] * 10
    assert [result.tier for result in results] == ["普通"] * 9 + ["白银"]
    assert {result.state for result in results} == {"PENDING_ISSUE"}
    member = loyalty.member("m1")
    assert (member.points, member.pending_points, member.tier, member.tier_on) == (0, 2000, "白银", "2026-11-06")
    assert member.balances["growth"].available == 2000
    assert member.balances["stored_value"].available == 2000
    assert [piece.code for piece in member.coupons] == ["WELCOME20"]
    assert (member.window_spend_fen, member.next_tier, member.next_tier_gap_fen) == (200_000, "黄金", 300_000)

    clock.set(day(20, 0))
    assert loyalty.run_due().issued == 10
    member = loyalty.member("m1")
    assert (member.points, member.pending_points) == (2000, 0)
    assert {claim.state for claim in loyalty.claims("m1").items} == {"GRANTED"}

    loyalty.ingest([refund(order(0, "douyin"), 20_000)])
    member = loyalty.member("m1")
    assert (member.points, member.tier, member.window_spend_fen) == (1800, "普通", 180_000)
    assert member.balances["growth"].available == 1800
    assert [piece.code for piece in member.coupons] == ["WELCOME20"]
    assert_sound(loyalty)


def test_s0_15_one_short_of_the_line(storage: Storage, clock: Clock) -> None:
    """One fen less than 200,000 is no 白银."""
    loyalty = Loyalty(section8_program(), storage, clock=clock)
    orders = _ten_orders()
    convert(loyalty, "m1", *orders[:9], attrs.evolve(orders[9], paid_fen=19_999))
    member = loyalty.member("m1")
    assert (member.tier, member.next_tier, member.next_tier_gap_fen) == ("普通", "白银", 1)


def test_s0_15_one_call_may_hold_all_ten(storage: Storage, clock: Clock) -> None:
    """A batch claim of many orders gives the same as ten single ones, points and tier change in one result."""
    loyalty = Loyalty(section8_program(), storage, clock=clock)
    orders = _ten_orders()
    loyalty.ingest(orders)
    results = loyalty.claim_many(
        ClaimRequest(member_id="m1", platform=each.platform, order_no=each.order_no, proof=right_proof(each))
        for each in orders
    )
    assert all(result.created for result in results)
    assert sum(result.points for result in results) == 2000
    assert {result.tier for result in results} == {"白银"}
    assert loyalty.member("m1").tier == "白银"
    assert_sound(loyalty)


def test_s0_15_spend_of_platforms_is_added_up_once(storage: Storage, clock: Clock) -> None:
    """The tier follows the sum over platforms, and asking again adds nothing."""
    loyalty = Loyalty(section8_program(), storage, clock=clock)
    orders = _ten_orders()
    convert(loyalty, "m1", *orders)
    for each in orders:
        assert claim_of(loyalty, "m1", each).reason is Reason.ALREADY_CLAIMED_BY_YOU
    loyalty.ingest(orders)
    assert loyalty.member("m1").window_spend_fen == 200_000


def _day_of_november(n: int, platform: str, number_of_day: int) -> Order:
    at = day(number_of_day)
    return order(n, platform, created_at=at, paid_at=at, finished_at=at, modified_at=at)


def test_s0_17_first_source_is_that_of_the_earliest_order(storage: Storage, clock: Clock) -> None:
    """Tags name all sources; the first source is that of the earliest effective order, whatever was claimed first."""
    loyalty = Loyalty(section8_program(), storage, clock=clock)
    convert(loyalty, "m1", _day_of_november(1, "taobao", 12))
    assert loyalty.member("m1").first_source == "source:taobao"
    convert(loyalty, "m1", _day_of_november(2, "douyin", 9), _day_of_november(3, "jd", 15))
    member = loyalty.member("m1")
    assert (member.first_source, member.tags) == ("source:douyin", ("source:douyin", "source:jd", "source:taobao"))
    assert event_kinds(loyalty, "tag.added", "tag.removed") == ["tag.added"] * 3


def test_s0_17_a_tag_goes_with_its_last_claim(storage: Storage, clock: Clock) -> None:
    """A source leaves when the last claim behind it has no eligible net, and the first source moves on."""
    loyalty = Loyalty(section8_program(), storage, clock=clock)
    early, late = _day_of_november(1, "douyin", 9), _day_of_november(2, "douyin", 10)
    convert(loyalty, "m1", early, late, _day_of_november(3, "taobao", 12))
    loyalty.ingest([refund(early, 10_000)])
    assert loyalty.member("m1").first_source == "source:douyin"
    loyalty.ingest([refund(late, 9_999)])
    # One fen is left, which is below the program's minimum: it counts nothing.
    member = loyalty.member("m1")
    assert (member.first_source, member.tags) == ("source:taobao", ("source:taobao",))
    assert event_kinds(loyalty, "tag.removed") == ["tag.removed"]
    assert_sound(loyalty)


def test_s0_17_a_program_without_tags_shows_none(storage: Storage, clock: Clock) -> None:
    """Without the rule nothing is tagged, though sources are counted."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    convert(loyalty, "m1", order(1))
    member = loyalty.member("m1")
    assert (member.tags, member.first_source, sorted(member.sources)) == ((), None, ["taobao"])
    assert event_kinds(loyalty, "tag.added") == []


def test_s0_19_profile_aggregates(storage: Storage, clock: Clock) -> None:
    """Order count, net spend, first and last order, in all and per platform, follow refunds."""
    loyalty = Loyalty(section8_program(), storage, clock=clock)
    orders = [_day_of_november(1, "taobao", 7), _day_of_november(2, "taobao", 9), _day_of_november(3, "jd", 8)]
    convert(loyalty, "m1", *orders)
    loyalty.ingest([refund(orders[2], 2_500)])
    member = loyalty.member("m1")
    assert (member.orders, member.net_spend_fen) == (3, 27_500)
    assert (member.first_order_at, member.last_order_at) == (day(7), day(9))
    assert {name: (s.claims, s.net_fen, s.first_at, s.last_at) for name, s in member.sources.items()} == {
        "taobao": (2, 20_000, day(7), day(9)),
        "jd": (1, 7_500, day(8), day(8)),
    }
    loyalty.ingest([refund(orders[0], 10_000)])
    member = loyalty.member("m1")
    assert (member.orders, member.net_spend_fen, member.first_order_at, member.last_order_at) == (
        2,
        17_500,
        day(8),
        day(9),
    )
    assert_sound(loyalty)


def test_s0_19_somebody_never_seen_has_zeros(storage: Storage, clock: Clock) -> None:
    """The snapshot of an unknown member is empty and writes nothing."""
    loyalty = Loyalty(section8_program(), storage, clock=clock)
    before = dump(storage)
    member = loyalty.member("nobody")
    assert (member.points, member.pending_points, member.orders, member.net_spend_fen) == (0, 0, 0, 0)
    assert (member.tier, member.tier_on, member.next_tier_gap_fen) == ("普通", "", 200_000)
    assert (member.first_order_at, member.last_order_at, member.first_source, member.tags) == (None, None, None, ())
    assert dump(storage) == before


@pytest.mark.parametrize(
    ("status", "created"),
    [
        (OrderStatus.UNPAID, False),
        (OrderStatus.PAID, False),
        (OrderStatus.SHIPPED, False),
        (OrderStatus.SIGNED, False),
        (OrderStatus.FINISHED, True),
    ],
)
def test_s3_4_finished_is_the_default(storage: Storage, clock: Clock, status: OrderStatus, created: bool) -> None:
    """Only finished orders may be converted unless the program says otherwise."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    bought = order(1, status=status)
    loyalty.ingest([bought])
    result = claim_of(loyalty, "m1", bought)
    assert (result.created, result.reason) == (created, None if created else Reason.NOT_FINISHED)


def test_s3_4_a_star_stands_for_the_other_platforms(storage: Storage, clock: Clock) -> None:
    """Claimable statuses are looked up by platform name, then under "*"."""
    program = points_program(eligibility=rules.Finished(statuses={"*": ("PAID", "FINISHED"), "jd": ("FINISHED",)}))
    loyalty = Loyalty(program, storage, clock=clock)
    paid = [order(1, name, status=OrderStatus.PAID, finished_at=None) for name in ("taobao", "jd")]
    loyalty.ingest(paid)
    assert [claim_of(loyalty, "m1", each).created for each in paid] == [True, False]
    # Without a finish date the payment is when the order counts.
    assert [row.day for row in dump(storage)["spend_days"]] == ["2026-11-01"]


@pytest.mark.parametrize("typed", ["", "   ", "abc", "12345", "订单号", "3816000000000000001x", "²①38160000000"])
def test_s3_9_what_cannot_be_a_number_is_told(storage: Storage, clock: Clock, typed: str) -> None:
    """Anything that is no order number gets a helpful reason, never an exception, and leaves nothing behind."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    result = loyalty.claim("m1", platform="taobao", order_no=typed)
    assert (result.created, result.reason) == (False, Reason.ORDER_NO_MANGLED)
    assert loyalty.tickets("m1").items == ()
    assert dump(storage)["orders"] == []


def test_s3_9_a_rejection_is_explained_in_both_languages(storage: Storage, clock: Clock) -> None:
    """A refusal after proof says every reason, in Chinese and English."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    bought = order(1, status=OrderStatus.SHIPPED, finished_at=None, refund_open=True)
    loyalty.ingest([bought])
    result = claim_of(loyalty, "m1", bought)
    assert result.reasons == (Reason.NOT_FINISHED, Reason.REFUND_OPEN)
    assert result.state == "REFUND_OPEN"
    for reason in result.reasons:
        assert reason.sentence("zh") in result.explain("zh")
        assert reason.sentence("en") in result.explain("en")


def test_s3_9_a_success_is_explained_with_its_arithmetic(storage: Storage, clock: Clock) -> None:
    """The explanation of a grant holds what was paid, what was left out, the rate, the rounding and the result."""
    loyalty = Loyalty(points_program(rules.PointsPerYuan("1.5")), storage, clock=clock)
    [result] = convert(loyalty, "m1", order(1, paid_fen=11_150, shipping_fen=1_000))
    for text, words in (
        (result.explain("zh"), ("111.50", "10.00", "101.50", "1.5", "向下取整", "152")),
        (result.explain("en"), ("111.50", "10.00", "101.50", "1.5", "rounded down", "152")),
    ):
        for word in words:
            assert word in text


def test_s3_24_revisions_are_append_only(storage: Storage, clock: Clock) -> None:
    """Publishing numbers revisions from 1, keeps the old ones, and one content twice is one revision."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    second = points_program(rules.PointsPerYuan("2"))
    assert loyalty.publish(second, expected_revision=1) == 2
    assert loyalty.publish(second, expected_revision=1) == 2
    assert loyalty.publish(second, expected_revision=2) == 2
    rows = dump(storage)["programs"]
    assert [(row.revision, row.content) for row in rows] == [(1, points_program().to_json()), (2, second.to_json())]


def test_s3_24_publishing_behind_somebody_elses_back_is_refused(storage: Storage, clock: Clock) -> None:
    """A revision based on one that is no longer the newest raises ProgramDiffers and changes nothing."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    loyalty.publish(points_program(rules.PointsPerYuan("2")), expected_revision=1)
    before = dump(storage)
    for expected in (0, 1, 3):
        with pytest.raises(ProgramDiffers):
            loyalty.publish(points_program(rules.PointsPerYuan("3")), expected_revision=expected)
    assert dump(storage) == before


def test_s3_24_the_constructor_publishes_only_into_an_empty_store(storage: Storage, clock: Clock) -> None:
    """The same program opens the store again, another one raises ProgramDiffers that names the way out."""
    Loyalty(points_program(), storage, clock=clock)
    Loyalty(points_program(), storage, clock=clock)
    assert [row.revision for row in dump(storage)["programs"]] == [1]
    with pytest.raises(ProgramDiffers, match="expected_revision=1"):
        Loyalty(points_program(rules.PointsPerYuan("2")), storage, clock=clock)


def test_s3_24_a_door_opened_before_uses_the_new_revision(storage: Storage, clock: Clock) -> None:
    """A door that did not publish notices the newest revision by itself."""
    old_door = Loyalty(points_program(), storage, clock=clock)
    Loyalty(points_program(), storage, clock=clock).publish(
        points_program(rules.PointsPerYuan("2")), expected_revision=1
    )
    [result] = convert(old_door, "m1", order(1))
    assert result.points == 200


def _stale_door(storage: Storage, clock: Clock) -> Loyalty:
    """Give a door that has used revision 1, while revision 2 adds a platform."""
    door = Loyalty(points_program(), storage, clock=clock)
    door.member("m1")
    mall = Platform("mall", "mall", r"M[0-9]{6}")
    Loyalty(points_program(), storage, clock=clock).publish(points_program(platforms=(mall,)), expected_revision=1)
    return door


def test_s3_24_an_old_door_claims_orders_of_new_platforms(storage: Storage, clock: Clock) -> None:
    """A platform that came with a newer revision is known to a door that has not seen that revision yet."""
    assert claim_of(_stale_door(storage, clock), "m1", order("M000001", "mall")).reason is Reason.RECEIVED


def test_s3_24_an_old_door_ingests_orders_of_new_platforms(storage: Storage, clock: Clock) -> None:
    """Ingest through a door that has not seen the newest revision loses no row of a platform added there."""
    report = _stale_door(storage, clock).ingest([order("M000001", "mall")])
    assert (report.rejected, report.orders_new) == ([], 1)


def test_s3_24_an_old_door_binds_buyers_of_new_platforms(storage: Storage, clock: Clock) -> None:
    """Binding and the deny list know the newest revision's platforms as well."""
    assert _stale_door(storage, clock).bind("m1", platform="mall", buyer_id="b1").bound


def test_s3_24_a_platform_nobody_published_is_misuse(storage: Storage, clock: Clock) -> None:
    """A platform no revision knows is InvalidInput in a call, and a rejected row in an ingest."""
    door = _stale_door(storage, clock)
    with pytest.raises(InvalidInput):
        door.claim("m1", platform="nowhere", order_no=number(1))
    assert [rejected.code for rejected in door.ingest([order(number(1), "nowhere")]).rejected] == ["INVALID"]


def test_s4_3_a_blocked_member_claims_nothing_and_keeps_what_they_have(storage: Storage, clock: Clock) -> None:
    """On the deny list no order converts, typed or by itself, and nothing is taken back."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    loyalty.bind("m1", platform="taobao", buyer_id="b1")
    convert(loyalty, "m1", order(1))
    assert loyalty.block("m1", reason="fraud", key="b").blocked
    before = net_entries(loyalty, "m1")
    loyalty.ingest([order(2), order(3, buyer_id="b1")])
    result = claim_of(loyalty, "m1", order(2))
    assert (result.created, result.reason) == (False, Reason.MEMBER_BLOCKED)
    assert claim_of(loyalty, "m1", order(3)).reason is Reason.MEMBER_BLOCKED
    assert net_entries(loyalty, "m1") == before
    assert loyalty.member("m1").blocked
    assert not loyalty.unblock("m1", key="u").blocked
    assert claim_of(loyalty, "m1", order(2)).created
    assert claim_of(loyalty, "m1", order(3)).created
    assert_sound(loyalty)


def test_s4_3_a_blocked_members_answer_tells_nothing(storage: Storage, clock: Clock) -> None:
    """On the deny list the answer is the same for a known, an unknown and somebody else's order."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    loyalty.ingest([order(1)])
    convert(loyalty, "m2", order(2))
    loyalty.block("m1", reason="fraud", key="b")
    answers = {claim_of(loyalty, "m1", order(n), Proof.none()).public for n in (1, 2, 3)}
    assert [answer.reason for answer in answers] == [Reason.MEMBER_BLOCKED]


def test_s4_3_a_block_ends_by_itself(storage: Storage, clock: Clock) -> None:
    """A block with an end holds up to that instant and not at it."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    loyalty.ingest([order(1)])
    loyalty.block("m1", reason="fraud", until=NOW + timedelta(days=1), key="b")
    clock.set(NOW + timedelta(days=1, microseconds=-1))
    assert claim_of(loyalty, "m1", order(1)).reason is Reason.MEMBER_BLOCKED
    clock.set(NOW + timedelta(days=1))
    assert not loyalty.member("m1").blocked
    assert claim_of(loyalty, "m1", order(1)).created


def test_s4_3_refunds_of_a_blocked_member_still_settle(storage: Storage, clock: Clock) -> None:
    """A refund takes back from a blocked member as from any other."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    bought = order(1)
    convert(loyalty, "m1", bought)
    loyalty.block("m1", reason="fraud", key="b")
    loyalty.ingest([refund(bought, 4_000)])
    assert loyalty.member("m1").points == 60
    assert_sound(loyalty)


def test_s4_3_a_denied_buyer_identity_converts_for_nobody(storage: Storage, clock: Clock) -> None:
    """Orders of a denied identity are refused to whoever proves them, until it is off the list."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    loyalty.block_buyer(platform="taobao", buyer_id="b1", reason="brushing", key="k1")
    bought = order(1, buyer_id="b1")
    loyalty.ingest([bought])
    result = claim_of(loyalty, "m1", bought)
    assert (result.created, result.reason) == (False, Reason.MEMBER_BLOCKED)
    loyalty.unblock_buyer(platform="taobao", buyer_id="b1", key="k2")
    assert claim_of(loyalty, "m1", bought).created


# -- D47: what is cached is checked against what it is derived from ----------------------------------------------------


def _whole_store(storage: Storage, clock: Clock) -> Loyalty:
    """Give a store that holds a row of every kind a member can have."""
    clock.set(day(6))
    loyalty = Loyalty(section8_program(), storage, clock=clock)
    convert(loyalty, "m1", order(1, paid_fen=250_000), order(2, "jd"))
    loyalty.adjust("m1", asset="points", amount=10, key="k")
    loyalty.ingest([refund(order(2, "jd"), 5_000, modified_at=clock.at)])
    assert_sound(loyalty)
    return loyalty


def _first(storage: Storage, kind: type[Record], **fields: object) -> Record:
    tables = dump(storage)
    return next(
        row
        for rows in tables.values()
        for row in rows
        if type(row) is kind and all(getattr(row, name) == value for name, value in fields.items())
    )


def _damage(storage: Storage, row: Record, change: Change) -> None:
    root = key_of(row)
    with storage.transaction() as tx:
        versions = tx.lock([root] if root.kind in ROOT_KINDS else [])
        tx.write([change], roots=versions)


DAMAGES = {
    "account balance": (AccountRecord, {"asset": "points", "account": "balance"}, {"balance": 11}, "I-01"),
    "entry amount": (EntryRecord, {"seq": 2}, {"amount": 1}, "I-70"),
    "entry time": (EntryRecord, {"seq": 2}, {"at": 1}, "I-70"),
    "entry hash": (EntryRecord, {"seq": 1}, {"hash": "0" * 64}, "I-70"),
    "lot remainder": (LotRecord, {"asset": "points", "state": "PENDING"}, {"remaining": 1}, "I-07"),
    "lot due": (LotRecord, {"asset": "points", "state": "PENDING"}, {"due_at": None}, "I-08"),
    "event content": (EventRecord, {"seq": 1}, {"content": "[]"}, "I-70"),
    "event acknowledged": (EventRecord, {"seq": 1}, {"pending": 0}, "I-70"),
    "spend of a day": (SpendDayRecord, {}, {"spend_fen": 1}, "I-41"),
    "source": (TagRecord, {}, {"net_fen": 1}, "I-71"),
    "claim net": (ClaimRecord, {}, {"net_fen": 1}, "I-32"),
    "claim revision": (ClaimRecord, {}, {"revision": 7}, "I-13"),
    "once per member": (MemberGrantRecord, {}, {"claims": 5}, "I-33"),
    "delivery lane": (DeliveryRecord, {}, {"lane": 64}, "I-25"),
    "order owner": (OrderRecord, {}, {"owner_id": "m9"}, "I-10"),
    "order facts": (OrderRecord, {}, {"facts": ""}, "I-14"),
    "order status": (OrderRecord, {}, {"status": "SIGNED"}, "I-71"),
    "order paid": (OrderRecord, {}, {"paid_fen": 1}, "I-71"),
    "order on its way": (OrderRecord, {}, {"coming_at": 1}, "I-71"),
    "head of the chain": (MemberRecord, {}, {"entry_hash": ""}, "I-70"),
    "head of the events": (MemberRecord, {}, {"event_seq": 1}, "I-70"),
    "next due": (MemberRecord, {}, {"next_due_at": None}, "I-08"),
}


@pytest.mark.parametrize("what", DAMAGES)
def test_d47_verify_finds_a_changed_row(storage: Storage, clock: Clock, what: str) -> None:
    """Any figure changed in the store behind our back is found and named by its invariant."""
    loyalty = _whole_store(storage, clock)
    kind, where, damage, invariant = DAMAGES[what]
    row = _first(storage, kind, **where)
    _damage(storage, row, Replace(row._replace(**damage)))
    report = loyalty.verify()
    assert invariant in {violation.invariant for violation in report.violations}


@pytest.mark.parametrize(
    ("kind", "where"),
    [
        (EntryRecord, {"seq": 1}),
        (EventRecord, {"seq": 1}),
        (AccountRecord, {"asset": "points"}),
        (LotRecord, {}),
        (SpendDayRecord, {}),
        (TagRecord, {}),
        (DeliveryRecord, {}),
        (ClaimRecord, {}),
    ],
)
def test_d47_verify_finds_a_lost_row(
    storage: Storage, clock: Clock, kind: type[Record], where: dict[str, object]
) -> None:
    """Any row that is gone is missed."""
    loyalty = _whole_store(storage, clock)
    row = _first(storage, kind, **where)
    _damage(storage, row, Delete(key_of(row)))
    assert not loyalty.verify().ok


def test_d47_verify_finds_swapped_entries(storage: Storage, clock: Clock) -> None:
    """Two entries that changed places break the chain."""
    loyalty = _whole_store(storage, clock)
    first, second = (_first(storage, EntryRecord, seq=seq) for seq in (1, 2))
    _damage(storage, first, Replace(first._replace(seq=2)))
    _damage(storage, second, Replace(second._replace(seq=1)))
    assert "I-70" in {violation.invariant for violation in loyalty.verify().violations}


def test_d47_a_drifted_balance_is_not_believed_silently(storage: Storage, clock: Clock) -> None:
    """A cached balance that drifted by one is named with the member it belongs to."""
    loyalty = _whole_store(storage, clock)
    account = _first(storage, AccountRecord, asset="points", account="balance")
    _damage(storage, account, Add(key_of(account), "balance", 1))
    assert any("m1" in violation.what for violation in loyalty.verify().violations if violation.invariant == "I-01")


def test_d47_reading_changes_nothing(storage: Storage, clock: Clock) -> None:
    """Quotes, snapshots, lists, explanations, events and verify leave the store as it is."""
    loyalty = _whole_store(storage, clock)
    before = dump(storage)
    quoted = loyalty.quote("m1", order(9, paid_fen=30_000))
    assert (quoted.created, quoted.points, quoted.tier) == (False, 300, "白银")
    loyalty.member("m1")
    for read in (loyalty.orders, loyalty.claims, loyalty.tickets, loyalty.entries):
        read("m1")
    loyalty.explain(platform="taobao", order_no=number(1))
    loyalty.pending_events()
    loyalty.verify()
    assert dump(storage) == before


def test_d47_a_quote_may_be_the_first_call_of_a_door(storage: Storage, clock: Clock) -> None:
    """A door that has read nothing yet can quote."""
    assert Loyalty(points_program(), storage, clock=clock).quote("m1", order(1)).points == 100


def test_d47_a_quote_decides_like_a_claim(storage: Storage, clock: Clock) -> None:
    """What a quote says is what the claim then gives, tier included."""
    loyalty = Loyalty(section8_program(), storage, clock=clock)
    bought = order(1, paid_fen=250_000)
    quoted = loyalty.quote("m1", bought)
    [result] = convert(loyalty, "m1", bought)
    assert (quoted.granted, quoted.tier, quoted.state) == (result.granted, result.tier, result.state)
    late = order(2, finished_at=FINISHED - timedelta(days=200))
    assert loyalty.quote("m1", late).reason is Reason.TOO_OLD
    assert Key(MemberRecord, ("brand-a", "m7")) not in {key_of(row) for row in dump(storage)["members"]}
    assert loyalty.quote("m7", bought).reason is Reason.ALREADY_CLAIMED


def test_s3_9_the_proofs_day_is_the_programs_local_day(storage: Storage, clock: Clock) -> None:
    """Paid at 00:30 in Shanghai is that day there, though it is the day before in UTC."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    bought = order(1, paid_at=day(2, 0, 30), created_at=day(2, 0, 29))
    loyalty.ingest([bought])
    wrong = Proof.amount_and_day(paid_fen=10_000, paid_on=date(2026, 11, 1))
    assert claim_of(loyalty, "m1", bought, wrong).reason is Reason.RECEIVED
    right = Proof.amount_and_day(paid_fen=10_000, paid_on=date(2026, 11, 2))
    assert claim_of(loyalty, "m1", bought, right).created
