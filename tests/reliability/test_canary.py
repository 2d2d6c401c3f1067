"""What hosts entrust to us does not leak into errors, their causes, pickles, reprs, logs, answers or events."""

from __future__ import annotations

import logging
import pickle
import sqlite3
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from builders import Clock, order, refund, right_proof
from ciphers import BadCipher, ToyCipher
from harness import LATER, open_door, program
from places import Place
from stores import session
from test_interrupts import Interrupting
from test_races import Losing

from crossloyalty import ClaimRequest, Engine, Loyalty, OrderTokens, PhoneIndex, Proof, ProofChecks
from crossloyalty.application.ports import Insert
from crossloyalty.domain.records import AliasRecord
from crossloyalty.errors import Conflict, CrossloyaltyError, shown
from crossloyalty.storage.memory import MemoryStorage
from crossloyalty.storage.sqlite import SqliteStorage
from crossloyalty.testing.adapter_kit import Stand, finished_orders, program_for
from crossloyalty.testing.doubles.xiaohongshu import XiaohongshuKit

BUYER, EVIDENCE, NOTE, TOUCH, KEY, HOLDER = (
    f"canary-{name}-13800138000" for name in ("buyer", "evidence", "note", "touch", "key", "holder")
)
SECRETS = (BUYER, EVIDENCE, NOTE, TOUCH, HOLDER)
BOUGHT = order(1, buyer_id=BUYER)
LONG = "Z" * 5_000


def leaks(text: str, *allowed: str) -> list[str]:
    """Name the canaries that stand in a text, also half of one."""
    return [secret for secret in SECRETS if secret not in allowed and secret[: len(secret) // 2 + 4] in text]


def everything_about(error: BaseException) -> str:
    """Give all that a log, a crash reporter or a task queue may keep of an error and of what caused it."""
    texts = []
    seen: BaseException | None = error
    while seen is not None:
        texts += [str(seen), repr(seen), repr(seen.args), repr(vars(seen)), *getattr(seen, "__notes__", ())]
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
    texts += traceback.format_exception(error)
    texts.append(pickle.dumps(error).decode("latin-1"))
    return "\n".join(texts)


@pytest.fixture
def door(storage: Any) -> Loyalty:
    """Give a door to a store that knows every canary."""
    opened = open_door(storage)
    opened.bind(HOLDER, platform="taobao", buyer_id=BUYER, evidence=EVIDENCE)
    opened.ingest([BOUGHT])
    opened.adjust(HOLDER, asset="points", amount=5, key=KEY, note=NOTE)
    return opened


HOST = Proof.by_host(EVIDENCE)
REFUSED: dict[str, Callable[[Loyalty], object]] = {
    "platform": lambda door: door.bind(HOLDER, platform="nowhere", buyer_id=BUYER, evidence=EVIDENCE),
    "scope": lambda door: door.bind(HOLDER, platform="taobao", buyer_id=BUYER, evidence=EVIDENCE, scope="a\0"),
    "member id": lambda door: door.claim("a\n", platform="taobao", order_no=BOUGHT.order_no, proof=HOST, touch=TOUCH),
    "claim platform": lambda door: door.claim(HOLDER, platform="x", order_no="1", proof=HOST, touch=TOUCH),
    "order number": lambda door: door.claim(HOLDER, platform="jd", order_no=5, proof=HOST, touch=TOUCH),  # type: ignore[arg-type]
    "amount": lambda door: door.adjust(HOLDER, asset="points", amount=0, key=KEY, note=NOTE),
    "conflict": lambda door: door.adjust(HOLDER, asset="points", amount=6, key=KEY, note=NOTE),
    "surrogate": lambda door: door.adjust(HOLDER, asset="points", amount=6, key="a\ud800", note=NOTE),
    "order field": lambda door: order(1, buyer_id=BUYER, shop_id="a\n"),
    "refund field": lambda door: refund(BOUGHT, -1, refund_id=BUYER),
    "until": lambda door: door.block_buyer(platform="jd", buyer_id=BUYER, reason=NOTE, key="k", until=5),  # type: ignore[arg-type]
    "cursor": lambda door: door.orders(HOLDER, after="x"),
    "request": lambda door: door.claim_many([ClaimRequest(member_id="", platform="jd", order_no="1", proof=HOST)]),
}


@pytest.mark.parametrize("call", REFUSED.values(), ids=REFUSED.keys())
def test_an_error_shows_only_the_input_it_is_about(
    door: Loyalty, call: Callable[[Loyalty], object], caplog: pytest.LogCaptureFixture
) -> None:
    """A refused call tells what is wrong with one argument, and nothing of the others, wherever the error goes."""
    with caplog.at_level(logging.DEBUG), pytest.raises(CrossloyaltyError) as caught:
        call(door)
    assert leaks(everything_about(caught.value)) == []
    assert leaks(caplog.text) == []


OFFENDING: dict[str, Callable[[Loyalty], object]] = {
    "member id": lambda door: door.member(LONG),
    "buyer id": lambda door: door.bind("m1", platform="jd", buyer_id=LONG),
    "masked buyer id": lambda door: door.bind("m1", platform="jd", buyer_id="Z" * 100 + "*"),
    "platform": lambda door: door.explain(platform=LONG, order_no="1"),
    "order number": lambda door: door.explain(platform="jd", order_no=LONG),
    "cursor": lambda door: door.orders("m1", after=LONG),
    "event id": lambda door: door.ack([LONG]),
    "asset": lambda door: door.adjust("m1", asset="Z" * 100, amount=1, key="k"),
    "key": lambda door: door.adjust("m1", asset="points", amount=1, key=LONG),
    "order": lambda door: door.quote("m1", LONG),  # type: ignore[arg-type]
    "program": lambda door: Loyalty(LONG, MemoryStorage()),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("call", OFFENDING.values(), ids=OFFENDING.keys())
def test_an_error_shows_at_most_64_characters_of_its_input(door: Loyalty, call: Callable[[Loyalty], object]) -> None:
    """However long the offending input is, an error shows no more than 64 characters of it."""
    with pytest.raises(CrossloyaltyError) as caught:
        call(door)
    assert "Z" * 65 not in everything_about(caught.value)


def test_what_is_shown_of_input_is_short_plain_and_one_line() -> None:
    """Any piece of input is quoted in at most 64 plain characters on one line, however it prints itself."""

    class Text(str):
        def __getitem__(self, _: Any) -> str:
            raise RuntimeError

    for value in (
        LONG,
        LONG.encode(),
        bytearray(LONG, "ascii"),
        "\n\r\x1b\u2028\ud800零",
        10**5_000,
        [LONG] * 9,
        Text("a"),
    ):
        text = shown(value)
        assert 0 < len(text) <= 64
        assert text.replace("…", "").isascii()
        assert text.isprintable()


def test_a_rejected_item_shows_only_what_is_wrong_with_it(door: Loyalty, caplog: pytest.LogCaptureFixture) -> None:
    """The sentences of rejected items name the number that is wrong, not whose order it is."""
    with caplog.at_level(logging.DEBUG):
        report = door.ingest([order("3.8E+18", buyer_id=BUYER), refund(order("x"), 1, refund_id=BUYER), 5])
    assert report.rejected_count == 3
    assert leaks(repr(report)) == []
    assert leaks(caplog.text) == []


def test_an_outage_shows_nothing_of_what_was_being_written(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A driver's error, a lost race and a conflict tell which table or which trouble, never the row."""
    broken = sqlite3.OperationalError("disk trouble")
    broken.sqlite_errorcode, broken.sqlite_errorname = sqlite3.SQLITE_IOERR, "SQLITE_IOERR"
    with caplog.at_level(logging.DEBUG), SqliteStorage(tmp_path / "store.db") as storage:
        door = open_door(storage)
        connection = storage.connection()
        connection.cursor = Interrupting(connection.cursor, 6, error=broken)
        with pytest.raises(CrossloyaltyError) as outage:
            door.bind(HOLDER, platform="taobao", buyer_id=BUYER, evidence=EVIDENCE)
    with caplog.at_level(logging.DEBUG):
        memory = MemoryStorage()
        open_door(memory)
        losing = Engine(Losing(memory, 99), clock=Clock(LATER), sleep=lambda _: None).program(program().program_id)
        with pytest.raises(CrossloyaltyError) as busy:
            losing.bind(HOLDER, platform="taobao", buyer_id=BUYER, evidence=EVIDENCE)
    for caught in (outage, busy):
        assert leaks(everything_about(caught.value)) == []
    assert leaks(caplog.text) == []


def test_a_storage_conflict_names_the_table_only(storage: Any) -> None:
    """A key that exists already is reported without the key."""
    row = AliasRecord("p", "taobao", BUYER, EVIDENCE)

    def insert() -> None:
        with storage.transaction() as tx:
            tx.lock([])
            tx.write([Insert(row)], roots={})

    insert()
    with pytest.raises(Conflict) as caught:
        insert()
    assert leaks(everything_about(caught.value)) == []


def test_merging_telling_and_erasing_leak_nothing(door: Loyalty, caplog: pytest.LogCaptureFixture) -> None:
    """Answers, events and logs of merges, exports and erasures name no buyer and no evidence; after it none is left."""
    with caplog.at_level(logging.DEBUG):
        values: list[object] = [
            door.merge(HOLDER, "z9", key="k1"),
            door.unmerge("z9", key="k2"),
            door.merge("z9", HOLDER, key="k3"),
            door.export_person("z9", operator="desk").to_json(),
            door.export_person("z9", operator="desk"),
            door.export_person("z9", operator="desk").to_csv("identities"),
            *(repr(event.body) for event in door.pending_events(limit=1_000)),
            door.erase_person("z9"),
            door.verify(),
        ]
    for value in values:
        assert leaks(str(value), HOLDER, NOTE) == []
    assert leaks(caplog.text) == []
    for call in (
        lambda: door.merge(HOLDER, HOLDER, key=KEY),
        lambda: door.merge(HOLDER, "a\0", key=KEY),
        lambda: door.merge(HOLDER, "z9", key="k3", survivor="z9", version=1),
        lambda: door.export_person("a\0", operator=HOLDER),
    ):
        with pytest.raises(CrossloyaltyError) as caught:
            call()
        assert leaks(everything_about(caught.value)) == []


def test_a_stranger_learns_nothing_of_the_holder(door: Loyalty) -> None:
    """What a stranger's claim answers names neither the holder nor the buyer, printed, explained or in public."""
    answer = door.claim("m9", platform="taobao", order_no=BOUGHT.order_no)
    for text in (repr(answer), str(answer), repr(answer.public), answer.explain("zh"), answer.explain("en")):
        assert leaks(text) == []
    assert answer.detail.holder_id == HOLDER  # staff may know


def test_printed_values_and_events_hold_no_buyer(door: Loyalty) -> None:
    """Neither what calls give back nor the events for the host's messages carry a buyer id or what showed it."""
    values = [
        door,
        door.bind(HOLDER, platform="taobao", buyer_id=BUYER, evidence=EVIDENCE),
        door.claim(HOLDER, platform="taobao", order_no=BOUGHT.order_no, proof=right_proof(BOUGHT)),
        door.explain(platform="taobao", order_no=BOUGHT.order_no),
        door.verify(),
        *door.orders(HOLDER).items,
        *door.claims(HOLDER).items,
        *door.entries(HOLDER).items,
        *(repr(event.body) for event in door.pending_events()),
    ]
    assert len(values) > 8
    for value in values:
        assert leaks(repr(value), HOLDER, NOTE) == []  # the host's own ids and notes are for the host


# -- what is at rest -------------------------------------------------------------------------------------------------

# What the double tells of receivers is in the first three; "canary" stands in each of its tokens and secrets.
TYPED, SENT_BY_DOUBLE = "13911112222", ("13800138000", "张三", "canary")
KEYS = {1: b"key-of-blind-indexes-version-1!!", 2: b"key-of-blind-indexes-version-2!!"}
TOKEN_KEY = b"key-of-order-tokens-32-bytes-it-is"
HIDDEN, CIPHER_KEY = "13722223333", b"key-of-the-cipher-of-phones"
KNOWN, STAYS = "known-to-be-stored", "stays-with-m1"


def at_rest(place: Place, storage: Any) -> bytes:
    """Give the bytes of a store: its files while it is open, or every row of every table of a database."""
    if isinstance(place.where, Path):
        files = sorted(place.where.parent.glob(f"{place.where.name}*"))
        assert any(each.name.endswith("-wal") for each in files)
        return b"".join(each.read_bytes() for each in files)
    current = "current_schema()" if place.server.kind == "postgresql" else "database()"
    with session(place.server) as run:
        names = run(f"SELECT table_name FROM information_schema.tables WHERE table_schema = {current}")
        assert len(names) > 20
        return "\n".join(repr(row) for (name,) in names for row in run(f"SELECT * FROM {name}")).encode()


def test_nothing_entrusted_is_at_rest(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    """I-81: after claims, binds, syncs, messages, merges, an export and an erasure no secret is kept."""
    kit = XiaohongshuKit()
    index = PhoneIndex(KEYS)
    checks = ProofChecks(phone_index=index, tokens=OrderTokens(TOKEN_KEY), phone_cipher=ToyCipher(CIPHER_KEY))
    texts: list[str] = []
    with caplog.at_level(logging.DEBUG), Stand.open(kit, orders=12) as stand, place.open() as storage:
        for name in ("httpx", "httpcore", "crossloyalty"):
            caplog.set_level(logging.DEBUG, logger=name)
        door = Loyalty(program_for(kit), storage, clock=stand.clock, checks=checks)
        door.sync(stand.source, since=stand.since)
        first, second, third, *_ = finished_orders(stand.book)
        old = PhoneIndex(KEYS, current=1)
        with_phone = order(1, receiver_phone_index=old.phone("kit", TYPED), receiver_tail_index=old.tail("kit", "2222"))
        door.bind("m1", platform="phone", buyer_id=old.phone("kit", TYPED), evidence=KNOWN)
        door.ingest([with_phone])
        token = door.issue_token(platform=kit.platform, order_no=second.order_no)
        answers: list[object] = [
            door.claim("m1", platform="taobao", order_no=with_phone.order_no, proof=Proof.phone(TYPED)),
            door.claim("m1", platform="taobao", order_no=order(2).order_no, proof=Proof.phone(TYPED), touch=STAYS),
            door.claim("m2", platform=kit.platform, order_no=first.order_no, proof=Proof.phone_tail(TYPED[-4:])),
            door.claim("m1", platform=kit.platform, order_no=second.order_no, proof=Proof.token(token)),
            door.reindex_phones([TYPED]),
            door.reindex_phones([TYPED], retire=True),
            door.bind_phone("m1", f"+86 {HIDDEN}", evidence=KNOWN),
            door.bind_phone("m3", HIDDEN),
            door.reindex_phones([TYPED], encrypt=True),
        ]
        message = stand.double.message(third.order_no)
        answers.append(
            door.receive(stand.source, message.headers, message.body, query=message.query, method=message.method)
        )
        answers += [
            door.handle_messages(stand.source),
            door.merge("m1", "m2", key="k1"),
            door.export_person("m1", operator="desk").to_json(),
            door.export_person("m1", operator="desk").to_csv("phones"),
            repr(door.export_person("m1", operator="desk", phone_cipher=ToyCipher(CIPHER_KEY))),
            *door.identities("m1").items,
            door.member("m1"),
            door.verify(),
            *door.pending_events(limit=1_000),
            stand.source,
            index,
            checks,
        ]
        assert [answer.created for answer in answers[:4]] == [True, False, False, True]  # type: ignore[attr-defined]
        assert answers[9].taken == 1  # type: ignore[attr-defined]
        kept = door.export_person("m1", operator="desk", phone_cipher=ToyCipher(CIPHER_KEY)).sections["phones"]
        assert sorted(row["phone"] for row in kept) == sorted([TYPED, HIDDEN])  # what is there, and not to be seen
        for wrong in (f"{HIDDEN}****", f"{HIDDEN}99999999", HIDDEN[:-1] + "x"):
            with pytest.raises(CrossloyaltyError) as caught:
                door.bind_phone("m1", wrong)
            texts.append(everything_about(caught.value).replace(__file__, "this file"))
        for open_cipher in (lambda phone: phone, lambda phone: phone.encode(), lambda phone: f"v1:{phone}\n"):
            with pytest.raises(CrossloyaltyError) as caught:
                Loyalty(
                    program_for(kit),
                    storage,
                    checks=ProofChecks(phone_index=index, phone_cipher=BadCipher(open_cipher)),
                ).bind_phone("m4", HIDDEN)
            texts.append(everything_about(caught.value).replace(__file__, "this file"))
        before = at_rest(place, storage)
        answers.append(door.erase_person("m1"))
        behind = at_rest(place, storage)
        texts += [repr(answer) for answer in answers]
    assert KNOWN.encode() in before  # so it would be seen, if anything were
    secrets = [
        TYPED,
        HIDDEN,
        token,
        CIPHER_KEY.decode(),
        *(key.decode() for key in (*KEYS.values(), TOKEN_KEY)),
        *SENT_BY_DOUBLE,
    ]
    for secret in secrets:
        assert secret.encode() not in before
        assert secret.encode() not in behind
        assert secret not in caplog.text
        for text in texts:
            assert secret not in text
    if not isinstance(place.where, Path):
        for erased in (KNOWN, STAYS, index.phone("kit", TYPED) + "', 'm1"):
            assert erased.encode() not in behind
