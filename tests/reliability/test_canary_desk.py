"""I-81: an afternoon at a claim desk leaves no phone, name, token, device or key in files, answers, errors, logs."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from builders import Clock, order, points_program
from ciphers import ToyCipher

from crossloyalty import Identity, Loyalty, OrderTokens, PhoneIndex, Proof, ProofChecks, rules
from crossloyalty.errors import CrossloyaltyError
from crossloyalty.storage.sqlite import SqliteStorage

PHONES = [f"139{n:04d}{7310 + n}" for n in range(8)]
WRONG, DEVICE, NAME = "13987650000", "canary-device-203.0.113.9", "欧阳娜娜"
KEYS = {1: b"canary-key-of-indexes-one-32-byte", 2: b"canary-key-of-indexes-two-32-byte"}
TOKENS, CIPHER = b"canary-key-of-tokens-it-is-32-by", b"canary-key-of-the-cipher"


def checks(current: int) -> ProofChecks:
    index = PhoneIndex(KEYS, current=current)
    return ProofChecks(phone_index=index, tokens=OrderTokens(TOKENS), phone_cipher=ToyCipher(CIPHER))


def at_rest(path: Path) -> bytes:
    files = sorted(path.parent.glob(f"{path.name}*"))
    return b"".join(each.read_bytes() for each in files)


def test_a_claim_desk_leaks_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Right and wrong proofs, reviews, a dispute, a merge, rotation and erasures; the -wal file is looked at too."""
    path = tmp_path / "desk.db"
    program = points_program(binding=rules.Binding(by_phone=True, conflict="review"))
    told: list[object] = []
    with caplog.at_level(logging.DEBUG), SqliteStorage(path) as storage:
        desk = Loyalty(program, storage, clock=Clock(), checks=checks(1))
        index = PhoneIndex(KEYS, current=1)
        bought = [
            order(
                n,
                buyer_id=f"b{n}",
                receiver_phone_index=index.phone("brand-a", phone),
                receiver_tail_index=index.tail("brand-a", phone[-4:]),
            )
            for n, phone in enumerate(PHONES)
        ]
        told += [desk.ingest(bought), *bought]

        def claim(member: str, n: int, proof: Proof) -> None:
            number = order(n).order_no
            told.append(desk.claim(member, platform="taobao", order_no=number, proof=proof, device=DEVICE))
            told.append(proof)

        token = desk.issue_token(platform="taobao", order_no=bought[2].order_no)
        claim("m0", 0, Proof.phone(PHONES[0]))
        claim("m1", 1, Proof.phone_tail(PHONES[1][-4:]))
        claim("m2", 2, Proof.token(token))
        claim("m3", 2, Proof.token(token))
        claim("m3", 3, Proof.phone(WRONG))
        claim("m3", 99, Proof.phone(WRONG))
        told += [desk.bind_phone("m0", PHONES[4]), desk.bind_phone("m1", PHONES[5]), desk.bind_phone("m9", PHONES[4])]
        for n, review in enumerate(desk.reviews().items):
            decide = desk.approve if n % 2 else desk.refuse
            told += [review, decide(review.id, reason="receipt", operator="ann", key=f"r{n}")]
        asked: Any = {"evidence": "chat", "operator": "ann", "key": "d"}
        told.append(desk.dispute("m8", platform="taobao", order_no=bought[0].order_no, **asked))
        told += [desk.merge("m0", "m1", key="m"), desk.member("m0"), *desk.identities("m0").items]
        told += [*desk.timeline("m0").items, *desk.claims("m0").items, *desk.tickets("m3").items]
        export = desk.export_person("m0", operator="desk")
        told += [export, export.to_json(), *(export.to_csv(each) for each in export.sections)]
        told.append(desk.export_person("m0", operator="desk", phone_cipher=ToyCipher(CIPHER)))
        errors: list[CrossloyaltyError] = []
        for bad in (WRONG, f"+86{WRONG}", NAME):
            for call in (
                lambda bad=bad: desk.bind("m0", platform="phone", buyer_id=bad),
                lambda bad=bad: desk.enrol("m7", identities=[Identity("phone", bad)]),
                lambda bad=bad: desk.block_buyer(platform="phone", buyer_id=bad, reason="r", key="b"),
                lambda bad=bad: desk.bind_phone("m0", bad + "x"),
                lambda bad=bad: order(50, receiver_phone_index=bad),
            ):
                with pytest.raises(CrossloyaltyError) as caught:
                    call()
                errors.append(caught.value)
            told.append(Identity("phone", bad))
        before = at_rest(path)
        newer = Loyalty(program, storage, clock=Clock(), checks=checks(2))
        told += [newer.reindex_phones(PHONES), newer.reindex_phones(PHONES, retire=True, encrypt=True)]
        told += [newer.unmerge("m1", key="u"), newer.erase_person("m0"), newer.erase_person("m1")]
        told += [*newer.pending_events(limit=1_000), newer.verify()]
        behind = at_rest(path)
    assert b"receipt" in before  # so that it would be seen, if anything were
    texts = [f"{each!r} {each}" for each in told] + [f"{each!r} {each} {vars(each)}" for each in errors]
    secrets = [*PHONES, WRONG, NAME, DEVICE, token, *(key.decode() for key in (*KEYS.values(), TOKENS, CIPHER))]
    for secret in secrets:
        assert secret not in caplog.text
        for text in texts:
            assert secret not in text
        for files in (before, behind, at_rest(path)):
            assert secret.encode() not in files
