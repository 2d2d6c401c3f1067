"""Worked check D53 and I-54: what is kept about a person is told to them, and taken out when they ask."""

from __future__ import annotations

import json
from typing import Any

import pytest
from builders import (
    Clock,
    assert_sound,
    claim_of,
    convert,
    event_kinds,
    order,
    points_program,
    refund,
    right_proof,
)

from crossloyalty import Identity, Loyalty, PhoneIndex, Proof, Reason, rules
from crossloyalty.application.ports import Storage
from crossloyalty.domain.privacy import masked, neutral
from crossloyalty.errors import InvalidInput
from crossloyalty.testing import dump

KEY = PhoneIndex({1: b"k" * 32})
PHONE = KEY.phone("brand-a", "13800138000")
CANARY = "canary-7f3"


@pytest.fixture
def person(storage: Storage, clock: Clock) -> Loyalty:
    """Give m1 with identities of two kinds, evidence, a claim typed somewhere, a request that waits, and debt."""
    loyalty = Loyalty(points_program(source_tags=rules.SourceTags()), storage, clock=clock)
    loyalty.bind("m1", platform="taobao", buyer_id=f"{CANARY}-buyer", evidence=f"{CANARY}-evidence")
    loyalty.bind("m1", platform="phone", buyer_id=PHONE)
    loyalty.ingest([order(1, buyer_id=f"{CANARY}-buyer", receiver_phone_index=PHONE), order(2, "jd")])
    loyalty.claim(
        "m1", platform="jd", order_no=order(2, "jd").order_no, proof=right_proof(order(2, "jd")), touch=f"{CANARY}-card"
    )
    loyalty.claim(
        "m1", platform="jd", order_no=order(3, "jd").order_no, proof=Proof.by_host(f"{CANARY}-chat"), touch=CANARY
    )
    loyalty.block("m1", reason=f"{CANARY} was rude", key="b")
    loyalty.adjust("m1", asset="points", amount=-150, key="spend")
    loyalty.ingest([refund(order(2, "jd"), 10_000)])
    return loyalty


def everything(storage: Storage) -> str:
    """Give the whole store as one text, without the rows of identities that lead to nobody."""
    tables: dict[str, list[Any]] = dump(storage)
    tables["buyers"] = [row for row in tables["buyers"] if row.member_id or row.last_member_id]
    tables["bindings"] = [row for row in tables["bindings"] if row.member_id]
    return repr(tables)


def test_d53_no_personal_field_of_an_erased_member_remains(person: Loyalty, storage: Storage) -> None:
    """Evidence, touch, requests, buyers of orders and identities go; what the ledger says stays, debt too."""
    before = {entry[:3]: entry for entry in dump(storage)["entries"]}
    assert CANARY in everything(storage)
    result = person.erase_person("m1")
    assert result.erased
    assert result.erased_at is not None
    assert CANARY not in everything(storage)
    assert PHONE not in everything(storage)
    tables = dump(storage)
    assert {entry[:3]: entry for entry in tables["entries"]} == before
    assert [row for row in tables["bindings"] if row.evidence or row.member_id] == []
    assert (person.member("m1").balances["points"].debt, person.member("m1").blocked) == (50, True)
    assert_sound(person)


def test_d53_order_numbers_stay_taken(person: Loyalty) -> None:
    """Whoever asks for an order of an erased member hears that it was claimed; by the same id it is one's own."""
    person.erase_person("m1")
    assert claim_of(person, "m2", order(2, "jd")).reason is Reason.ALREADY_CLAIMED
    assert claim_of(person, "m2", order(1)).reason is Reason.ALREADY_CLAIMED
    assert_sound(person)


def test_d53_erasing_twice_changes_nothing(person: Loyalty, storage: Storage) -> None:
    """The second call finds nothing, answers when it was done, and tells nobody again."""
    first = person.erase_person("m1")
    held = dump(storage)
    again = person.erase_person("m1")
    assert (again.erased, again.erased_at) == (False, first.erased_at)
    assert dump(storage) == held
    assert event_kinds(person, "member.erased") == ["member.erased"]


def test_d53_messages_that_come_later_bring_nothing_back(person: Loyalty, storage: Storage) -> None:
    """A newer snapshot and a refund of an erased member's order count, and the buyer they name is not kept."""
    person.erase_person("m1")
    later = order(
        1, buyer_id=f"{CANARY}-buyer", receiver_phone_index=PHONE, modified_at=order(1).paid_at, paid_fen=9_000
    )
    person.ingest([later, order(1, buyer_id=f"{CANARY}-buyer", refunded_fen=5_000), refund(order(1), 4_000)])
    assert CANARY not in everything(storage)
    assert person.claims("m1").items[0].net_fen < 10_000
    assert_sound(person)


def test_d53_an_erased_identity_is_free(person: Loyalty) -> None:
    """Somebody else can bind the identity at once, and gets none of the orders that were claimed."""
    person.erase_person("m1")
    bound = person.bind("m2", platform="taobao", buyer_id=f"{CANARY}-buyer")
    assert (bound.bound, bound.converted) == (True, ())
    person.ingest([order(8, buyer_id=f"{CANARY}-buyer")])
    assert person.member("m2").points == 100
    assert_sound(person)


def test_d53_all_ids_of_a_merged_member_are_erased(person: Loyalty, storage: Storage) -> None:
    """Erasing by either id takes out what was written with both."""
    convert(person, "m0", order(5))
    person.bind("m0", platform="douyin", buyer_id=f"{CANARY}-douyin")
    person.merge("m0", "m1", key="m")
    assert person.erase_person("m1").erased
    assert CANARY not in everything(storage)
    assert person.member("m1").member_id == "m0"
    assert_sound(person)


def test_somebody_nothing_is_kept_of_is_not_erased(storage: Storage, clock: Clock) -> None:
    """Erasing a stranger answers so, and leaves no trace."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    result = loyalty.erase_person("nobody")
    assert (result.erased, result.erased_at) == (False, None)
    assert event_kinds(loyalty) == []


# -- export ----------------------------------------------------------------------------------------------------------


def test_an_export_tells_everything_and_masks_who_it_names(person: Loyalty) -> None:
    """Claims, entries, requests and identities of all ids are in it; ids are masked; each call is one event."""
    person.merge("m0", "m1", key="m")
    export = person.export_person("m1", operator="desk-3")
    assert (export.member_id, export.ids) == ("m0", ("m0", "m1"))
    assert len(export.sections["claims"]) == 2
    assert len(export.sections["requests"]) == 1
    named = json.dumps(export.sections["identities"]) + json.dumps(export.sections["orders"])
    assert f"{CANARY}-buyer" not in named
    assert "can****er" in named
    assert json.loads(export.to_json())["sections"]["claims"] == [dict(row) for row in export.sections["claims"]]
    assert CANARY not in repr(export)
    [event] = [event for event in person.pending_events(limit=1_000) if event.kind == "member.exported"]
    assert event.body["operator"] == "desk-3"
    assert_sound(person)


def test_a_file_of_an_export_holds_no_formula(storage: Storage, clock: Clock) -> None:
    """What a host or a customer typed cannot run in a spreadsheet, and long numbers stay whole."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    loyalty.ingest([order(1)])
    loyalty.claim(
        "m1", platform="taobao", order_no=order(1).order_no, proof=right_proof(order(1)), touch="=HYPERLINK(1)"
    )
    file = loyalty.export_person("m1", operator="desk").to_csv("claims")
    assert "'=HYPERLINK(1)" in file
    assert f"'{order(1).order_no}" in file
    with pytest.raises(KeyError):
        loyalty.export_person("m1", operator="desk").to_csv("nothing")


@pytest.mark.parametrize("operator", ["", "a\n", "x" * 200])
def test_an_export_names_who_asked(person: Loyalty, operator: str) -> None:
    """An operator that cannot be one is refused, before anything is told."""
    with pytest.raises(InvalidInput):
        person.export_person("m1", operator=operator)


@pytest.mark.parametrize(
    ("text", "shown"),
    [("", ""), ("a", "a****"), ("1380013", "1****"), ("13800138000", "138****00"), ("openid-of-somebody", "ope****dy")],
)
def test_little_of_an_id_is_shown(text: str, shown: str) -> None:
    """Short texts show one character, longer ones three and two."""
    assert masked(text) == shown


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=1+1", "'=1+1"),
        ("+86", "'+86"),
        ("@x", "'@x"),
        ("\tx", "'\tx"),
        ("-5", "-5"),
        ("-x", "'-x"),
        ("3816000000000000001", "'3816000000000000001"),
        ("12345678901", "12345678901"),
        ("plain", "plain"),
    ],
)
def test_a_cell_is_no_formula(cell: str, written: str) -> None:
    """What would start a formula, or be rounded as a number, stands behind an apostrophe."""
    assert neutral(cell) == written


def test_what_is_printed_names_nobody(person: Loyalty) -> None:
    """Values end in logs: of a phone handed in by mistake, a buyer and an index only the ends are in their reprs."""
    asked = [Identity("phone", "13800138000"), Identity("x_name", "Zhang Wei of Shanghai"), Identity("phone", 138)]  # type: ignore[arg-type]
    bought = order(9, buyer_id=f"{CANARY}-buyer", beneficiary_id=f"{CANARY}-donee", receiver_phone_index=PHONE)
    person.ingest([order(8, buyer_id=f"{CANARY}-stranger")])
    printed = repr([*asked, bought, *person.identities("m1").items, *person.unclaimed_buyers().items])
    assert printed.startswith("[Identity('phone', '138****00', scope='')")
    for whole in ("13800138000", "Zhang Wei", CANARY, PHONE):
        assert whole not in printed
    assert PHONE in [each.buyer_id for each in person.identities("m1").items]  # what is read is whole
