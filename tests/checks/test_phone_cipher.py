"""S1-4, I-81: phones are kept as an index and, where the host brings a cipher, as its text; never as they are."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from builders import Clock, assert_sound, day, order, points_program
from ciphers import AsyncToyCipher, BadCipher, ToyCipher

from crossloyalty import AsyncLoyalty, Loyalty, OrderStatus, PhoneIndex, ProofChecks, Reason, rules
from crossloyalty.application.ports import Storage
from crossloyalty.errors import ConfigError, InvalidInput, WrongType
from crossloyalty.storage.memory import MemoryStorage
from crossloyalty.storage.sqlite import SqliteStorage
from crossloyalty.testing import dump

OLD, NEW = b"o" * 32, b"n" * 32
INDEX = PhoneIndex({1: OLD})
PHONE, OTHER = "13800138000", "13900139001"
KEY = b"cipher-key"


def door(storage: Storage, clock: Clock, *, index: PhoneIndex = INDEX, cipher: Any = None, **binding: Any) -> Loyalty:
    program = points_program(binding=rules.Binding(by_phone=True, **binding))
    return Loyalty(program, storage, clock=clock, checks=ProofChecks(phone_index=index, phone_cipher=cipher))


def kept(storage: Storage) -> dict[str, str]:
    """Give the ciphertexts by whose they are."""
    return {row.member_id: row.ciphertext for row in dump(storage)["buyers"] if row.ciphertext}


def told(loyalty: Loyalty, member_id: str, cipher: Any = None) -> list[str]:
    sections = loyalty.export_person(member_id, operator="desk", phone_cipher=cipher).sections
    return [row["phone"] for row in sections["phones"]]


def test_a_phone_is_bound_by_index_and_kept_under_the_cipher(storage: Storage, clock: Clock) -> None:
    """What is stored of a phone is its index and what the cipher made of it, under the current versions of both."""
    cipher = ToyCipher(KEY, version=3, storage=storage)
    loyalty = door(storage, clock, cipher=cipher)
    assert loyalty.bind_phone("m1", "+86 138-0013 8000", evidence="code by SMS").bound
    text = kept(storage)["m1"]
    assert text.startswith("v3:")
    assert cipher.decrypt(text, program_id="brand-a") == PHONE
    assert [each.buyer_id for each in loyalty.identities("m1").items] == [INDEX.phone("brand-a", PHONE)]
    assert PHONE not in repr(dump(storage))
    assert_sound(loyalty)


def test_without_a_cipher_only_the_index_is_kept(storage: Storage, clock: Clock) -> None:
    """A door without a cipher binds the same identity; a later one with a cipher adds the text, once."""
    assert door(storage, clock).bind_phone("m1", PHONE).bound
    assert kept(storage) == {}
    loyalty = door(storage, clock, cipher=ToyCipher(KEY))
    assert loyalty.bind_phone("m1", PHONE).bound
    first = dump(storage)
    assert list(kept(storage)) == ["m1"]
    assert loyalty.bind_phone("m1", PHONE).bound
    assert loyalty.bind("m1", platform="phone", buyer_id=INDEX.phone("brand-a", PHONE)).bound
    assert dump(storage) == first


def test_binding_a_phone_converts_past_orders_that_name_it(storage: Storage, clock: Clock) -> None:
    """With `by_phone` past orders convert with one answer each; an order of a bound buyer stays theirs."""
    loyalty = door(storage, clock)
    index = INDEX.phone("brand-a", PHONE)
    loyalty.bind("m2", platform="taobao", buyer_id="b2")
    mine = [order(1, buyer_id="b1", receiver_phone_index=index), order(2, "jd", receiver_phone_index=index)]
    loyalty.ingest([*mine, order(3, buyer_id="b2", receiver_phone_index=index), order(4, buyer_id="b4")])
    result = loyalty.bind_phone("m1", PHONE)
    assert result.converted == tuple(sorted(each.order_no for each in mine))
    assert [(each.created, each.points) for each in result.backfill] == [(True, 100)] * 2
    assert (loyalty.member("m1").points, loyalty.member("m2").points) == (200, 100)
    assert_sound(loyalty)


def test_past_orders_of_a_phone_stay_where_phones_bind_nobody(storage: Storage, clock: Clock) -> None:
    """Without `by_phone` a phone finds the person and converts nothing, past or to come."""
    loyalty = Loyalty(points_program(), storage, clock=clock, checks=ProofChecks(phone_index=INDEX))
    loyalty.ingest([order(1, receiver_phone_index=INDEX.phone("brand-a", PHONE))])
    result = loyalty.bind_phone("m1", PHONE)
    assert (result.bound, result.converted, result.automatic) == (True, (), False)


def test_an_unbound_phone_leaves_the_orders_nobody_holds(storage: Storage, clock: Clock) -> None:
    """Orders shown for whom a phone belonged to go to whoever binds it next."""
    loyalty = door(storage, clock, cooldown_days=0)
    index = INDEX.phone("brand-a", PHONE)
    loyalty.bind_phone("m1", PHONE)
    on_its_way = {"status": OrderStatus.SHIPPED, "finished_at": None, "modified_at": day(1)}
    loyalty.ingest([order(1, receiver_phone_index=index, **on_its_way)])
    assert [each.order_no for each in loyalty.orders("m1").items] == [order(1).order_no]
    assert loyalty.unbind("m1", platform="phone", buyer_id=index).unbound
    assert loyalty.orders("m1").items == ()
    assert [each.state for each in loyalty.bind_phone("m2", PHONE).backfill] == [""]
    assert loyalty.ingest([order(1, receiver_phone_index=index)]).claims_created == 1
    assert (loyalty.member("m1").points, loyalty.member("m2").points) == (0, 100)
    assert_sound(loyalty)


def test_unbinding_and_erasing_clear_the_text(storage: Storage, clock: Clock) -> None:
    """A phone that is nobody's any more is kept by nobody's cipher; an erasure leaves none of either."""
    loyalty = door(storage, clock, cipher=ToyCipher(KEY))
    loyalty.bind_phone("m1", PHONE)
    loyalty.bind_phone("m2", OTHER)
    assert loyalty.unbind("m1", platform="phone", buyer_id=INDEX.phone("brand-a", PHONE)).unbound
    assert list(kept(storage)) == ["m2"]
    loyalty.ingest([order(1, receiver_phone_index=INDEX.phone("brand-a", OTHER))])
    loyalty.erase_person("m2")
    assert kept(storage) == {}
    assert [row.phone_index for row in dump(storage)["orders"]] == [None]
    assert_sound(loyalty)


def test_the_text_moves_with_a_merge_and_back(storage: Storage, clock: Clock) -> None:
    """A phone is told by whoever stands for its member, and goes back with an un-merge."""
    cipher = ToyCipher(KEY)
    loyalty = door(storage, clock, cipher=cipher)
    loyalty.bind_phone("m2", PHONE)
    loyalty.merge("m1", "m2", key="k1")
    assert (told(loyalty, "m1", cipher), list(kept(storage))) == ([PHONE], ["m1"])
    loyalty.unmerge("m2", key="k2")
    assert (told(loyalty, "m1", cipher), told(loyalty, "m2", cipher)) == ([], [PHONE])
    assert list(kept(storage)) == ["m2"]
    assert_sound(loyalty)


def test_a_moved_phone_keeps_its_text(storage: Storage, clock: Clock) -> None:
    """The phone of an identity that goes to another member is the same phone, whoever gave it."""
    cipher = ToyCipher(KEY)
    loyalty = door(storage, clock, cipher=cipher, conflict="move")
    loyalty.bind_phone("m1", PHONE, evidence="SMS")
    assert loyalty.bind("m2", platform="phone", buyer_id=INDEX.phone("brand-a", PHONE), evidence="SMS").bound
    assert (told(loyalty, "m2", cipher), list(kept(storage))) == ([PHONE], ["m2"])


def test_a_phone_of_somebody_else_stays_theirs(storage: Storage, clock: Clock) -> None:
    """A refused bind changes neither whose the phone is nor what is kept of it."""
    loyalty = door(storage, clock, cipher=ToyCipher(KEY))
    loyalty.bind_phone("m1", PHONE)
    before = dump(storage)
    refused = loyalty.bind_phone("m2", PHONE)
    assert (refused.bound, refused.reason) == (False, Reason.OTHER_BUYER)
    assert dump(storage) == before


def test_an_export_shows_phones_to_whoever_brings_the_cipher(storage: Storage, clock: Clock) -> None:
    """The door's own cipher shows nothing by itself; the export needs one, and masks phones without it."""
    cipher = ToyCipher(KEY, storage=storage)
    loyalty = door(storage, clock, cipher=cipher)
    loyalty.bind_phone("m1", PHONE)
    assert told(loyalty, "m1") == ["****"]
    export = loyalty.export_person("m1", operator="desk", phone_cipher=cipher)
    assert json.loads(export.to_json())["sections"]["phones"] == [{"phone": PHONE}]
    assert export.to_csv("phones").splitlines() == ["phone", PHONE]
    assert PHONE not in repr(export)


def test_the_key_of_the_index_changes_without_a_list_of_phones(storage: Storage, clock: Clock) -> None:
    """Phones kept under a cipher are moved to a new index by what it shows; those kept by index alone stay."""
    before = door(storage, clock, cipher=ToyCipher(KEY))
    before.bind_phone("m1", PHONE)
    door(storage, clock).bind_phone("m2", OTHER)
    before.ingest([order(1, "jd", receiver_phone_index=INDEX.phone("brand-a", PHONE), paid_fen=5_000)])
    both, behind = PhoneIndex({1: OLD, 2: NEW}), PhoneIndex({2: NEW})
    loyalty = door(storage, clock, index=both, cipher=ToyCipher(KEY, storage=storage))
    report = loyalty.reindex_phones(batch=1)
    assert (report.moved, report.orders, report.invalid, report.unknown) == (1, 1, 0, 0)
    report = loyalty.reindex_phones(retire=True)
    assert report.moved == 1
    assert loyalty.reindex_phones(retire=True).moved == 0
    phones = {row.buyer_id: row.member_id for row in dump(storage)["buyers"] if row.member_id}
    assert phones == {behind.phone("brand-a", PHONE): "m1", INDEX.phone("brand-a", OTHER): "m2"}
    assert {row.phone_index for row in dump(storage)["orders"]} == {behind.phone("brand-a", PHONE)}
    assert list(kept(storage)) == ["m1"]
    loyalty = door(storage, clock, index=behind)
    loyalty.ingest([order(2, receiver_phone_index=behind.phone("brand-a", PHONE))])
    assert loyalty.member("m1").points == 150
    assert_sound(loyalty)


def test_the_key_of_the_cipher_changes(storage: Storage, clock: Clock) -> None:
    """With `encrypt` each phone is hidden anew, also those kept by their index alone where the host names them."""
    door(storage, clock, cipher=ToyCipher(KEY)).bind_phone("m1", PHONE)
    door(storage, clock).bind_phone("m2", OTHER)
    newer = ToyCipher(b"newer", version=2, older={1: KEY}, storage=storage)
    loyalty = door(storage, clock, cipher=newer)
    assert loyalty.reindex_phones(encrypt=True).moved == 1
    assert {name: text[:3] for name, text in kept(storage).items()} == {"m1": "v2:"}
    assert loyalty.reindex_phones([OTHER], encrypt=True).moved == 1
    alone = ToyCipher(b"newer", version=2)
    assert (told(loyalty, "m1", alone), told(loyalty, "m2", alone)) == ([PHONE], [OTHER])
    assert_sound(loyalty)


def test_a_text_of_another_phone_moves_nothing(storage: Storage, clock: Clock) -> None:
    """What a cipher shows that is not the phone of its index is counted, and nothing comes of it."""
    door(storage, clock, cipher=ToyCipher(KEY)).bind_phone("m1", PHONE)
    wrong = [BadCipher(lambda _: OTHER), BadCipher(lambda _: "nonsense")]
    for cipher in wrong:
        loyalty = door(storage, clock, index=PhoneIndex({1: OLD, 2: NEW}), cipher=cipher)
        before = dump(storage)
        assert (loyalty.reindex_phones().invalid, dump(storage)) == (1, before)


@pytest.mark.parametrize(
    ("cipher", "error"),
    [
        (BadCipher(lambda phone: phone), ConfigError),
        (BadCipher(lambda phone: f"v1:{phone}"), ConfigError),
        (BadCipher(lambda _: ""), ConfigError),
        (BadCipher(lambda _: "x" * 1_001), ConfigError),
        (BadCipher(lambda _: "密"), ConfigError),
        (BadCipher(lambda _: "a\nb"), ConfigError),
        (BadCipher(lambda _: b"abc"), WrongType),
    ],
)
def test_a_cipher_that_hides_nothing_is_refused(storage: Storage, clock: Clock, cipher: Any, error: Any) -> None:
    """Nothing is stored of a phone whose cipher gave it back, or gave what cannot be kept; no error shows it."""
    loyalty = door(storage, clock, cipher=cipher)
    before = dump(storage)
    with pytest.raises(error) as caught:
        loyalty.bind_phone("m1", PHONE)
    assert PHONE not in repr(caught.value)
    assert dump(storage) == before


def test_what_is_missing_is_said(storage: Storage, clock: Clock) -> None:
    """A door without an index or a cipher names what to build it with; what is no cipher is refused."""
    bare = Loyalty(points_program(), storage, clock=clock)
    with pytest.raises(ConfigError, match="PhoneIndex"):
        bare.bind_phone("m1", PHONE)
    with pytest.raises(ConfigError, match="PhoneCipher"):
        door(MemoryStorage(), clock).reindex_phones()
    with pytest.raises(ConfigError, match="PhoneCipher"):
        door(MemoryStorage(), clock).reindex_phones([PHONE], encrypt=True)
    with pytest.raises(WrongType, match="encrypt"):
        ProofChecks(phone_cipher=object())  # type: ignore[arg-type]
    with pytest.raises(WrongType, match="encrypt and decrypt"):
        bare.export_person("m1", operator="desk", phone_cipher=object())  # type: ignore[arg-type]
    with pytest.raises(InvalidInput) as caught:
        door(MemoryStorage(), clock).bind_phone("m1", f"{PHONE}*")
    assert PHONE not in str(caught.value)


def test_asynchronous_hosts_bring_asynchronous_ciphers(tmp_path: Any, clock: Clock) -> None:
    """A plain cipher serves both doors; an asynchronous one is refused where everything runs in one thread."""
    asynchronous = ProofChecks(phone_index=INDEX, phone_cipher=AsyncToyCipher(KEY))
    with pytest.raises(ConfigError, match="asynchronous"):
        Loyalty(points_program(), MemoryStorage(), clock=clock, checks=asynchronous)
    with pytest.raises(ConfigError, match="asynchronous"):
        door(MemoryStorage(), clock).export_person("m1", operator="desk", phone_cipher=AsyncToyCipher(KEY))  # type: ignore[arg-type]

    async def run() -> list[Any]:
        with SqliteStorage(tmp_path / "phones.db") as storage:
            plain = ProofChecks(phone_index=INDEX, phone_cipher=ToyCipher(KEY))
            loyalty = AsyncLoyalty(points_program(), storage, clock=clock, checks=plain)
            assert (await loyalty.bind_phone("m1", PHONE)).bound
            export = await loyalty.export_person("m1", operator="desk", phone_cipher=ToyCipher(KEY))  # type: ignore[arg-type]
            return [row["phone"] for row in export.sections["phones"]]

    assert asyncio.run(run()) == [PHONE]
