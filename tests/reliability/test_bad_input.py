"""Input that bends, lies or explodes at the door: a typed error or a reason, at once, and the store as it was."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from bad_values import (
    AT_MOST_S,
    BAD_TEXTS,
    MANGLED,
    MESSAGE_CHARACTERS,
    NOT_A_FEN,
    NOT_A_TIME,
    SHOWN_CHARACTERS,
    WRONG_TYPES,
    each,
    filled,
    refusals,
    unchanged,
    without,
)
from builders import order, refund, right_proof
from harness import FIRST, SECOND, open_door, program

from crossloyalty import ClaimRequest, Engine, Identity, Loyalty, Order, Program, Reason
from crossloyalty.errors import CrossloyaltyError, InvalidInput, MangledOrderNumber, WrongType
from crossloyalty.storage.memory import MemoryStorage
from crossloyalty.storage.sqlite import SqliteStorage

Call = Callable[[Loyalty, Any], object]


@pytest.fixture(scope="module", params=["memory", "sqlite"])
def storage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Give a store with a claim, a ticket and a bound buyer in it, which no test here may change."""
    if request.param == "memory":
        filled(store := MemoryStorage())
        yield store
        return
    with SqliteStorage(Path(tmp_path_factory.mktemp("bad")) / "store.db") as store:
        filled(store)
        yield store


# -- order numbers ---------------------------------------------------------------------------------------------------


@each(MANGLED)
def test_a_number_that_cannot_be_read_is_a_reason(storage: Any, case: str) -> None:
    """A claim of an unreadable order number is answered with a reason, at once, and leaves no trace."""
    door = open_door(storage)
    with unchanged(storage):
        began = time.perf_counter()
        answer = door.claim("m-new", platform="taobao", order_no=case, proof=right_proof(FIRST))
        assert time.perf_counter() - began < AT_MOST_S
    assert answer.reason in (Reason.ORDER_NO_MANGLED, Reason.WRONG_PLATFORM_HINT)
    assert not answer.created
    assert len(answer.order_no) <= SHOWN_CHARACTERS
    assert answer.order_no.isprintable()
    assert answer.explain("zh")
    assert answer.explain("en")


@each(MANGLED)
def test_a_number_that_cannot_be_read_is_rejected_with_its_row(storage: Any, case: str) -> None:
    """Ingesting an order or refund of an unreadable number rejects that item with a sentence, and only that one."""
    door = open_door(storage)
    bad = (order(case), refund(order(case), 1))
    with unchanged(storage):
        report = door.ingest([bad[0], SECOND, bad[1]])
    assert [(item.index, item.code in ("ORDER_NO_MANGLED", "INVALID")) for item in report.rejected] == [
        (0, True),
        (2, True),
    ]
    assert report.unchanged == 1
    for item in report.rejected:
        assert item.sentence_zh
        assert len(item.sentence_en) <= MESSAGE_CHARACTERS
        assert item.sentence_en.isprintable()


def test_a_number_that_cannot_be_read_is_an_error_elsewhere(storage: Any) -> None:
    """Quote and explain refuse an unreadable order number with an error of our tree."""
    door = open_door(storage)
    with unchanged(storage):
        refusals(lambda bad: door.explain(platform="taobao", order_no=bad), MANGLED, InvalidInput)
        refusals(lambda bad: door.quote("m1", order(bad)), MANGLED, InvalidInput)


def test_what_a_spreadsheet_did_is_named(storage: Any) -> None:
    """Scientific and decimal notation are told apart from other unreadable numbers, so that the merchant can help."""
    texts = ("3.81612E+18", "3816123456789012345.00", "３．８Ｅ１８", " 3.8e18 ", "'3.81612E+18")
    door = open_door(storage)
    refusals(
        lambda bad: door.explain(platform="taobao", order_no=bad), {text: text for text in texts}, MangledOrderNumber
    )


def test_a_number_that_is_no_text_is_refused(storage: Any) -> None:
    """An order number of another type has lost digits already and is a WrongType, or a rejected item."""
    door = open_door(storage)
    with unchanged(storage):
        refusals(lambda bad: door.claim("m1", platform="taobao", order_no=bad), WRONG_TYPES, WrongType)
        refusals(lambda bad: door.explain(platform="taobao", order_no=bad), WRONG_TYPES, WrongType)
        report = door.ingest([Order(platform="taobao", order_no=bad) for bad in WRONG_TYPES.values()])
    assert [rejected.code for rejected in report.rejected] == ["WRONG_TYPE"] * len(WRONG_TYPES)
    assert max(len(rejected.sentence_en) for rejected in report.rejected) <= MESSAGE_CHARACTERS


# -- every argument of the door --------------------------------------------------------------------------------------

PROOF = right_proof(SECOND)


class NoGateway:
    """Is never reached."""

    def enrol(self, **_: Any) -> Any:
        raise AssertionError


DOOR_CALLS: dict[str, Call] = {
    "claim member_id": lambda door, bad: door.claim(bad, platform="douyin", order_no=SECOND.order_no, proof=PROOF),
    "claim platform": lambda door, bad: door.claim("m1", platform=bad, order_no=SECOND.order_no, proof=PROOF),
    "claim_many member_id": lambda door, bad: door.claim_many(
        [
            ClaimRequest(member_id="m1", platform="douyin", order_no=SECOND.order_no, proof=PROOF),
            ClaimRequest(member_id=bad, platform="douyin", order_no=SECOND.order_no, proof=PROOF),
        ]
    ),
    "quote member_id": lambda door, bad: door.quote(bad, SECOND),
    "bind member_id": lambda door, bad: door.bind(bad, platform="jd", buyer_id="b-9"),
    "bind platform": lambda door, bad: door.bind("m1", platform=bad, buyer_id="b-9"),
    "bind buyer_id": lambda door, bad: door.bind("m1", platform="jd", buyer_id=bad),
    "bind via": lambda door, bad: door.bind("m1", platform="jd", buyer_id="b-9", via=bad),
    "unbind member_id": lambda door, bad: door.unbind(bad, platform="jd", buyer_id="b-9"),
    "unbind platform": lambda door, bad: door.unbind("m1", platform=bad, buyer_id="b-9"),
    "unbind buyer_id": lambda door, bad: door.unbind("m1", platform="jd", buyer_id=bad),
    "identities member_id": lambda door, bad: door.identities(bad),
    "issue_token platform": lambda door, bad: door.issue_token(platform=bad, order_no=SECOND.order_no),
    "approve id": lambda door, bad: door.approve(bad, reason="r", operator="a", key="k"),
    "approve reason": lambda door, bad: door.approve("x", reason=bad, operator="a", key="k"),
    "approve operator": lambda door, bad: door.approve("x", reason="r", operator=bad, key="k"),
    "refuse id": lambda door, bad: door.refuse(bad, reason="r", operator="a", key="k"),
    "dispute member_id": lambda door, bad: door.dispute(
        bad, platform="douyin", order_no=SECOND.order_no, evidence="e", operator="a", key="k"
    ),
    "dispute evidence": lambda door, bad: door.dispute(
        "m1", platform="douyin", order_no=SECOND.order_no, evidence=bad, operator="a", key="k"
    ),
    "dispute operator": lambda door, bad: door.dispute(
        "m1", platform="douyin", order_no=SECOND.order_no, evidence="e", operator=bad, key="k"
    ),
    "dispute key": lambda door, bad: door.dispute(
        "m1", platform="douyin", order_no=SECOND.order_no, evidence="e", operator="a", key=bad
    ),
    "enrol identity": lambda door, bad: door.enrol("m1", identities=[Identity("unionid", bad)]),
    "enrol side": lambda door, bad: door.enrol("m1", sides=[bad]),
    "run_enrolments side": lambda door, bad: door.run_enrolments(NoGateway(), side=bad),
    "customer_state member_id": lambda door, bad: door.customer_state(bad),
    "risk_flags member_id": lambda door, bad: door.risk_flags(bad),
    "member": lambda door, bad: door.member(bad),
    "orders member_id": lambda door, bad: door.orders(bad),
    "claims member_id": lambda door, bad: door.claims(bad),
    "tickets member_id": lambda door, bad: door.tickets(bad),
    "entries member_id": lambda door, bad: door.entries(bad),
    "explain platform": lambda door, bad: door.explain(platform=bad, order_no=SECOND.order_no),
    "adjust member_id": lambda door, bad: door.adjust(bad, asset="points", amount=1, key="k"),
    "adjust asset": lambda door, bad: door.adjust("m1", asset=bad, amount=1, key="k"),
    "adjust key": lambda door, bad: door.adjust("m1", asset="points", amount=1, key=bad),
    "enrol member_id": lambda door, bad: door.enrol(bad),
    "record_action member_id": lambda door, bad: door.record_action(bad, action="share", key="k"),
    "record_action action": lambda door, bad: door.record_action("m1", action=bad, key="k"),
    "record_action key": lambda door, bad: door.record_action("m1", action="share", key=bad),
    "answer_delivery key": lambda door, bad: door.answer_delivery(bad),
    "set_tier member_id": lambda door, bad: door.set_tier(bad, tier="白银", key="k"),
    "set_tier key": lambda door, bad: door.set_tier("m1", tier="白银", key=bad),
    "import_opening name": lambda door, bad: door.import_opening([], name=bad),
    "block member_id": lambda door, bad: door.block(bad, reason="fraud", key="k"),
    "block reason": lambda door, bad: door.block("m1", reason=bad, key="k"),
    "block key": lambda door, bad: door.block("m1", reason="fraud", key=bad),
    "unblock member_id": lambda door, bad: door.unblock(bad, key="k"),
    "unblock key": lambda door, bad: door.unblock("m1", key=bad),
    "block_buyer platform": lambda door, bad: door.block_buyer(platform=bad, buyer_id="b", reason="fraud", key="k"),
    "block_buyer buyer_id": lambda door, bad: door.block_buyer(platform="jd", buyer_id=bad, reason="fraud", key="k"),
    "block_buyer reason": lambda door, bad: door.block_buyer(platform="jd", buyer_id="b", reason=bad, key="k"),
    "block_buyer key": lambda door, bad: door.block_buyer(platform="jd", buyer_id="b", reason="fraud", key=bad),
    "unblock_buyer buyer_id": lambda door, bad: door.unblock_buyer(platform="jd", buyer_id=bad, key="k"),
    "ack id": lambda door, bad: door.ack(["1@m1", bad]),
    "ids of a program": lambda door, bad: Program(program_id=bad),
}
# Arguments that may be left empty.
OPTIONAL_TEXT_CALLS: dict[str, Call] = {
    "claim touch": lambda door, bad: door.claim(
        "m1", platform="douyin", order_no=SECOND.order_no, proof=PROOF, touch=bad
    ),
    "claim device": lambda door, bad: door.claim(
        "m1", platform="douyin", order_no=SECOND.order_no, proof=PROOF, device=bad
    ),
    "bind scope": lambda door, bad: door.bind("m1", platform="jd", buyer_id="b-9", scope=bad),
    "bind evidence": lambda door, bad: door.bind("m1", platform="jd", buyer_id="b-9", evidence=bad),
    "unbind reason": lambda door, bad: door.unbind("m1", platform="jd", buyer_id="b-9", reason=bad),
    "set_tier note": lambda door, bad: door.set_tier("m1", tier="白银", key="k", note=bad),
    "adjust note": lambda door, bad: door.adjust("m1", asset="points", amount=1, key="k", note=bad),
    "block_buyer scope": lambda door, bad: door.block_buyer(
        platform="jd", buyer_id="b", scope=bad, reason="fraud", key="k"
    ),
    "unblock_buyer scope": lambda door, bad: door.unblock_buyer(platform="jd", buyer_id="b", scope=bad, key="k"),
}
CURSOR_CALLS: dict[str, Call] = {
    "orders after": lambda door, bad: door.orders("m1", after=bad),
    "claims after": lambda door, bad: door.claims("m1", after=bad),
    "tickets after": lambda door, bad: door.tickets("m1", after=bad),
    "entries after": lambda door, bad: door.entries("m1", after=bad),
    "identities after": lambda door, bad: door.identities("m1", after=bad),
    "unclaimed_buyers after": lambda door, bad: door.unclaimed_buyers(after=bad),
    "reviews after": lambda door, bad: door.reviews(after=bad),
}
COUNT_CALLS: dict[str, Call] = {
    "ingest batch": lambda door, bad: door.ingest([SECOND], batch=bad),
    "import_opening batch": lambda door, bad: door.import_opening([], name="n", batch=bad),
    "recalculate batch": lambda door, bad: door.recalculate(batch=bad),
    "run_due batch": lambda door, bad: door.run_due(batch=bad),
    "orders limit": lambda door, bad: door.orders("m1", limit=bad),
    "claims limit": lambda door, bad: door.claims("m1", limit=bad),
    "tickets limit": lambda door, bad: door.tickets("m1", limit=bad),
    "entries limit": lambda door, bad: door.entries("m1", limit=bad),
    "identities limit": lambda door, bad: door.identities("m1", limit=bad),
    "unclaimed_buyers limit": lambda door, bad: door.unclaimed_buyers(limit=bad),
    "reviews limit": lambda door, bad: door.reviews(limit=bad),
    "customer_state active_days": lambda door, bad: door.customer_state("m1", active_days=bad),
    "risk_flags refunded_claims": lambda door, bad: door.risk_flags("m1", refunded_claims=bad),
    "pending_events limit": lambda door, bad: door.pending_events(limit=bad),
    "publish expected_revision": lambda door, bad: door.publish(program(ticket_days=9), expected_revision=bad),
}
OBJECT_CALLS: dict[str, Call] = {
    "claim proof": lambda door, bad: door.claim("m1", platform="douyin", order_no=SECOND.order_no, proof=bad),
    "claim_many requests": lambda door, bad: door.claim_many([bad]),
    "claim_many": lambda door, bad: door.claim_many(bad),
    "quote order": lambda door, bad: door.quote("m1", bad),
    "ingest items": lambda door, bad: _all_rejected(door.ingest(bad)),
    "ack": lambda door, bad: door.ack(bad),
    "publish program": lambda door, bad: door.publish(bad, expected_revision=1),
    "Loyalty program": lambda door, bad: Loyalty(bad, MemoryStorage()),
    "Loyalty storage": lambda door, bad: Loyalty(program(), bad),
    "Engine storage": lambda door, bad: Engine(bad),
    "Engine program": lambda door, bad: Engine(MemoryStorage()).program(bad),
    "Program.from_json": lambda door, bad: Program.from_json(bad),
    "SqliteStorage path": lambda door, bad: SqliteStorage(bad),
}
CALLABLE_CALLS: dict[str, Call] = {
    "ingest progress": lambda door, bad: door.ingest([order(50)], progress=bad),
    "run_due progress": lambda door, bad: door.run_due(progress=bad),
    "verify progress": lambda door, bad: door.verify(progress=bad),
    "Loyalty clock": lambda door, bad: Loyalty(program(), MemoryStorage(), clock=bad),
    "Loyalty sleep": lambda door, bad: Loyalty(program(), MemoryStorage(), sleep=bad),
    "Loyalty random": lambda door, bad: Loyalty(program(), MemoryStorage(), random=bad),
    "Engine clock": lambda door, bad: Engine(MemoryStorage(), clock=bad),
}


def _all_rejected(report: Any) -> None:
    """Turn a report that rejects everything into the error its first item was given."""
    if report.rejected_count == report.seen:
        raise WrongType(report.rejected[0].sentence_en if report.rejected else "nothing to take in")


@each(DOOR_CALLS)
def test_a_text_argument_takes_only_clean_text(storage: Any, case: Call) -> None:
    """Every argument that names something refuses other types and texts no database keeps, and changes nothing."""
    door = open_door(storage)
    with unchanged(storage):
        refusals(lambda bad: case(door, bad), WRONG_TYPES | BAD_TEXTS, InvalidInput)


@each(OPTIONAL_TEXT_CALLS)
def test_a_text_argument_that_may_be_empty_takes_only_clean_text(storage: Any, case: Call) -> None:
    """An optional text may be the empty text; nothing else that is false stands for it."""
    falsy = {"False": False, "0": 0, "0.0": 0.0, "no bytes": b"", "()": ()}
    door = open_door(storage)
    with unchanged(storage):
        refusals(lambda bad: case(door, bad), WRONG_TYPES | falsy | without(BAD_TEXTS, "empty"), InvalidInput)


FORGED_CURSORS: dict[str, str] = {
    "no base64": "%%%",
    "lone surrogate": "\ud800",
    "not ASCII": "１２３",
    "no JSON": base64.urlsafe_b64encode(b"nothing").decode(),
    "another member's": base64.urlsafe_b64encode(b'["brand-a","m2",5,"taobao","1"]').decode(),
    "another program's": base64.urlsafe_b64encode(b'["brand-b","m1",5,"taobao","1"]').decode(),
    "too short": base64.urlsafe_b64encode(b'["brand-a","m1"]').decode(),
    "too long": base64.urlsafe_b64encode(b'["brand-a","m1",5,"taobao","1","2","3"]').decode(),
    "wrong types": base64.urlsafe_b64encode(b'["brand-a","m1","x",1,2]').decode(),
    "bools": base64.urlsafe_b64encode(b'["brand-a","m1",true,"taobao","1"]').decode(),
    "null": base64.urlsafe_b64encode(b'["brand-a","m1",null,null,null]').decode(),
    "NaN": base64.urlsafe_b64encode(b'["brand-a","m1",NaN,"taobao","1"]').decode(),
    "65 bits": base64.urlsafe_b64encode(b'["brand-a","m1",9223372036854775808,"taobao","1"]').decode(),
    "5,000 digits": base64.urlsafe_b64encode(b'["brand-a","m1",' + b"9" * 5_000 + b',"taobao","1"]').decode(),
    "deep": base64.urlsafe_b64encode(b"[" * 100_000).decode(),
    "NUL": base64.urlsafe_b64encode(b'["brand-a","m1",5,"tao\\u0000bao","1"]').decode(),
    "a surrogate inside": base64.urlsafe_b64encode(b'["brand-a","m1",5,"\\ud800","1"]').decode(),
    "ten million characters": "A" * 10_000_000,
}


@each(CURSOR_CALLS)
def test_a_cursor_is_ours_or_refused(storage: Any, case: Call) -> None:
    """A cursor that was forged, cut or made for somebody else is refused."""
    door = open_door(storage)
    with unchanged(storage):
        refusals(lambda bad: case(door, bad), without(WRONG_TYPES, "None") | BAD_TEXTS | FORGED_CURSORS, InvalidInput)


@each(COUNT_CALLS)
def test_a_count_is_a_whole_number_in_range(storage: Any, case: Call) -> None:
    """Limits, batch sizes and revisions are plain integers in their range."""
    out_of_range = {"-1": -1, "2**63": 2**63, "-2**63": -(2**63), "text": "1", "full-width": "１"}
    door = open_door(storage)
    with unchanged(storage):
        refusals(lambda bad: case(door, bad), without(WRONG_TYPES, "int") | out_of_range, CrossloyaltyError)


@each(OBJECT_CALLS)
def test_an_object_of_ours_is_asked_for(storage: Any, case: Call) -> None:
    """Where a value of ours, a list of them or a storage is due, anything else is an error of our tree."""
    door = open_door(storage)
    with unchanged(storage):
        refusals(lambda bad: case(door, bad), WRONG_TYPES, CrossloyaltyError)


@each(CALLABLE_CALLS)
def test_what_is_called_back_can_be_called(storage: Any, case: Call) -> None:
    """A progress callback, a clock, a pause or a source of chance that cannot be called is refused before any work."""
    uncallable = {name: bad for name, bad in WRONG_TYPES.items() if bad is not None and not callable(bad)}
    door = open_door(storage)
    with unchanged(storage):
        refusals(lambda bad: case(door, bad), uncallable, CrossloyaltyError)


def test_an_adjustment_is_a_plain_integer(storage: Any) -> None:
    """An adjustment is a plain integer other than 0, of at most 53 bits, and nothing else changes a balance."""
    door = open_door(storage)
    table = without(NOT_A_FEN, "minus one") | {"0": 0, "None": None}
    with unchanged(storage):
        refusals(lambda bad: door.adjust("m1", asset="points", amount=bad, key="k"), table, InvalidInput)


def test_balances_cannot_be_pushed_past_what_json_keeps(storage: Any) -> None:
    """An adjustment that would take a balance past 2^53 - 1 is refused, and the balance stays where it was."""
    door = open_door(storage)
    with unchanged(storage):
        refusals(
            lambda bad: door.adjust("m1", asset="points", amount=bad, key="k"), {"largest": 2**53 - 1}, InvalidInput
        )


def test_a_clock_that_is_wrong_is_named(storage: Any) -> None:
    """A host's clock that gives no aware datetime of this age is an error of our tree, and nothing is written."""
    now: list[Any] = []
    door = Engine(storage, clock=lambda: now[-1]).program(open_door(storage).program_id)
    calls: dict[str, Callable[[], object]] = {
        "claim": lambda: door.claim("m1", platform=SECOND.platform, order_no=SECOND.order_no, proof=PROOF),
        "run_due": door.run_due,
        "ingest": lambda: door.ingest([order(77)]),
        "bind": lambda: door.bind("m1", platform="jd", buyer_id="b-9"),
        "publish": lambda: door.publish(program(ticket_days=9), expected_revision=1),
    }

    def told(call: Callable[[], object], bad: Any) -> None:
        now.append(bad)
        call()

    with unchanged(storage):
        for call in calls.values():
            refusals(lambda bad, call=call: told(call, bad), NOT_A_TIME, CrossloyaltyError)


def test_a_block_ends_at_an_aware_time(storage: Any) -> None:
    """A block ends at an aware datetime of this age or never."""
    door = open_door(storage)
    with unchanged(storage):
        refusals(lambda bad: door.block("m1", reason="fraud", key="k", until=bad), NOT_A_TIME, InvalidInput)
