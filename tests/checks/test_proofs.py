"""D14, I-16, I-82: the ladder of proofs, what is stored of them, and one public answer without one."""

from __future__ import annotations

import hashlib
import hmac
from datetime import timedelta
from typing import Any

import pytest
from builders import NOW, Clock, assert_sound, claim_of, order, points_program, right_proof

from crossloyalty import ClaimRequest, Loyalty, OrderStatus, OrderTokens, PhoneIndex, Proof, ProofChecks, Reason, rules
from crossloyalty.application.ports import Storage
from crossloyalty.errors import ConfigError, InvalidInput, WrongType
from crossloyalty.testing import dump

KEY = b"0123456789abcdef0123456789abcdef"
INDEX = PhoneIndex({1: KEY, 2: b"f" * 32}, current=1)
PHONE = "13800138000"
TOKENS = OrderTokens(b"t" * 32)


SHIPPED: Any = {"status": OrderStatus.SHIPPED, "finished_at": None}


def door(storage: Storage, clock: Clock, checks: ProofChecks | None = None, **settings: Any) -> Loyalty:
    given = ProofChecks(phone_index=INDEX, tokens=TOKENS) if checks is None else checks
    return Loyalty(points_program(**settings), storage, clock=clock, checks=given)


def test_i_82_the_index_is_a_keyed_hash_of_version_program_field_and_phone() -> None:
    """Worked out by hand; equal within a program whatever the spelling, different between programs, fields and keys."""
    text = "\x1f".join(["1", "brand-a", "phone", PHONE])
    expected = "1:" + hmac.new(KEY, text.encode(), hashlib.sha256).hexdigest()
    for spelling in (PHONE, "+86 138-0013-8000", "0086 13800138000", "１３８００１３８０００", "(138) 0013 8000"):
        assert INDEX.phone("brand-a", spelling) == expected
    others = {
        INDEX.phone("brand-b", PHONE),
        INDEX.tail("brand-a", "8000"),
        PhoneIndex({2: KEY}).phone("brand-a", PHONE),
    }
    assert len(others | {expected}) == 4


@pytest.mark.parametrize("bad", ["138****8000", "", "1380013800a", "1234", "1" * 16, None, 13800138000])
def test_what_is_no_phone_is_refused_without_being_shown(bad: Any) -> None:
    """Masked, empty, short, long and other types are errors whose text shows no digit of it."""
    for call in (lambda: INDEX.phone("p", bad), lambda: Proof.phone(bad)):
        with pytest.raises(InvalidInput) as error:
            call()
        assert not any(digits in str(error.value) for digits in ("138", "8000", "1234", "1111"))


@pytest.mark.parametrize("keys", [{}, {1: b"short"}, {0: KEY}, {1: "k" * 32}])
def test_a_key_that_protects_nothing_is_refused(keys: Any) -> None:
    """No key, a short one, a bad version or a text are configuration errors; secrets are not shown or pickled."""
    import pickle

    with pytest.raises(ConfigError):
        PhoneIndex(keys)
    with pytest.raises(ConfigError):
        OrderTokens(b"short")
    for secret in (INDEX, TOKENS):
        assert KEY.decode() not in repr(secret)
        with pytest.raises(TypeError):
            pickle.dumps(secret)


def test_the_phone_of_the_order_proves_it(storage: Storage, clock: Clock) -> None:
    """The whole phone or its end, against the index in the order; wrong ones hear RECEIVED. No phone is stored."""
    loyalty = door(storage, clock)
    whole = INDEX.phone("brand-a", PHONE)
    tail = INDEX.tail("brand-a", "8000")
    loyalty.ingest(
        [
            order(1, receiver_phone_index=whole, receiver_tail_index=tail),
            order(2, receiver_tail_index=tail),
            order(3, receiver_tail_index=tail),
            order(4, receiver_phone_index=whole),
        ]
    )
    assert claim_of(loyalty, "m9", order(1), Proof.phone_tail("8001")).public.reason is Reason.RECEIVED
    assert claim_of(loyalty, "m9", order(1), Proof.phone("13900138000")).public.reason is Reason.RECEIVED
    assert claim_of(loyalty, "m9", order(4), Proof.phone_tail("8000")).public.reason is Reason.RECEIVED
    for n, proof, via in [
        (1, Proof.phone("138 0013 8000"), "phone"),
        (2, Proof.phone_tail("8000"), "phone_tail"),
        (3, Proof.phone(PHONE), "phone_tail"),  # the order shows no more than the end
    ]:
        result = claim_of(loyalty, "m1", order(n), proof)
        assert result.created
        assert PHONE not in repr(proof)
        assert {claim.order_no: claim.via for claim in loyalty.claims("m1").items}[order(n).order_no] == via
    assert PHONE not in repr(dump(storage))
    assert_sound(loyalty)


def test_a_phone_waits_for_its_order_under_either_key(storage: Storage, clock: Clock) -> None:
    """Asked before the order is known, the ticket keeps hashes; an index by the newer key fits as well."""
    loyalty = door(storage, clock)
    assert claim_of(loyalty, "m1", order(1), Proof.phone(PHONE)).state == "PENDING_SYNC"
    newer = INDEX.of("brand-a", "phone", PHONE, 2)
    assert loyalty.ingest([order(1, receiver_phone_index=newer)]).claims_created == 1


class Platform:
    """Compares on the platform's side; notes what it was asked, and whether a transaction of ours was open then."""

    def __init__(self, digits: str) -> None:
        self.digits = digits
        self.asked: list[str] = []

    def matches(self, *, platform: str, order_no: str, digits: str) -> bool:
        self.asked.append(order_no)
        return digits == self.digits


def test_the_platform_compares_where_it_tells_no_phone(storage: Storage, clock: Clock) -> None:
    """Outside of any transaction, for known and unknown orders alike; behind a lock it is not asked."""
    platform = Platform("8000")
    loyalty = door(storage, clock, ProofChecks(phone_check=platform), attempts=rules.Attempts(per_member=2))
    loyalty.ingest([order(1)])
    assert claim_of(loyalty, "m1", order(1), Proof.phone_tail("8000")).created
    unknown = claim_of(loyalty, "m1", order(2), Proof.phone_tail("8000"))
    assert (unknown.public.reason, unknown.state) == (Reason.RECEIVED, "PENDING_SYNC")
    assert loyalty.ingest([order(2)]).claims_created == 1
    assert platform.asked == [order(1).order_no, order(2).order_no]
    for n in (3, 4):
        claim_of(loyalty, "m9", order(n), Proof.phone_tail("1111"))
    assert claim_of(loyalty, "m9", order(5), Proof.phone_tail("8000")).reason is Reason.TOO_MANY_ATTEMPTS
    assert order(5).order_no not in platform.asked
    assert_sound(loyalty)


def test_a_door_without_what_a_proof_needs_says_so(storage: Storage, clock: Clock) -> None:
    """Misuse is an error that names what to build the door with."""
    loyalty = Loyalty(points_program(), storage, clock=clock)
    for proof in (Proof.phone(PHONE), Proof.phone_tail("8000"), Proof.token("x")):
        with pytest.raises(ConfigError, match="ProofChecks"):
            claim_of(loyalty, "m1", order(1), proof)
    with pytest.raises(ConfigError, match="ProofChecks"):
        loyalty.issue_token(platform="taobao", order_no=order(1).order_no)


def test_a_token_proves_its_order_once(storage: Storage, clock: Clock) -> None:
    """Who brings it first has used it, also while the order is not there yet; a repeat by them is the same."""
    loyalty = door(storage, clock)
    token = loyalty.issue_token(platform="tmall", order_no=order(1).order_no)
    assert claim_of(loyalty, "m1", order(1), Proof.token(token)).state == "PENDING_SYNC"
    assert claim_of(loyalty, "m2", order(1), Proof.token(token)).state == "PENDING_SYNC"
    assert claim_of(loyalty, "m1", order(1), Proof.token(f" {token} ")).state == "PENDING_SYNC"
    assert loyalty.ingest([order(1)]).claims_created == 1
    assert [claim.via for claim in loyalty.claims("m1").items] == ["token"]
    assert claim_of(loyalty, "m2", order(1), Proof.token(token)).public.reason is Reason.RECEIVED
    assert token not in repr(dump(storage))
    assert_sound(loyalty)


def test_a_token_of_another_order_time_or_key_proves_nothing(storage: Storage, clock: Clock) -> None:
    """Another order, the second it ends, a changed character, another key, no token at all: all the same answer."""
    loyalty = door(storage, clock)
    loyalty.ingest([order(1), order(2)])
    token = loyalty.issue_token(platform="taobao", order_no=order(1).order_no, valid_minutes=10)
    foreign = door(storage, clock, ProofChecks(tokens=OrderTokens(b"x" * 32)))
    others = [
        loyalty.issue_token(platform="taobao", order_no=order(2).order_no),
        foreign.issue_token(platform="taobao", order_no=order(1).order_no),
        token[:-1] + ("0" if token[-1] != "0" else "1"),
        token.upper(),
        "",
        "9" * 500,
        "订单",
    ]
    answers = {claim_of(loyalty, f"m{n}", order(1), Proof.token(each)).public for n, each in enumerate(others[:4])}
    clock.move(days=2)
    answers |= {claim_of(loyalty, f"m{n}", order(1), Proof.token(each)).public for n, each in enumerate(others[4:])}
    answers.add(claim_of(loyalty, "m9", order(1), Proof.token(token)).public)
    assert {answer.reason for answer in answers} == {Reason.RECEIVED}
    clock.at = NOW + timedelta(minutes=10)
    clock.move(days=3)
    both = door(storage, clock, ProofChecks(tokens=OrderTokens(b"x" * 32, b"t" * 32)))
    fresh = loyalty.issue_token(platform="taobao", order_no=order(1).order_no, valid_minutes=10)
    clock.move(minutes=10, seconds=-1)
    assert claim_of(both, "m1", order(1), Proof.token(fresh)).created


def test_a_token_by_a_line_is_one_of_the_order(storage: Storage, clock: Clock) -> None:
    """D11: issued and brought under a sub-order's number it is the parent's."""
    from crossloyalty import Line

    lines = tuple(Line(line_id=f"38160000000000000{n}", paid_fen=5_000) for n in (11, 12))
    loyalty = door(storage, clock)
    loyalty.ingest([order(1, lines=lines)])
    token = loyalty.issue_token(platform="taobao", order_no=lines[0].line_id)
    result = loyalty.claim("m1", platform="taobao", order_no=lines[1].line_id, proof=Proof.token(token))
    assert (result.created, result.order_no) == (True, order(1).order_no)


STEPS = [
    rules.ProofStep(proof="phone_tail", from_fen=50_000),
    rules.ProofStep(proof="token", from_points=1_000),
    rules.ProofStep(proof="review", from_fen=500_000),
]


def test_an_order_of_worth_needs_a_stronger_proof(storage: Storage, clock: Clock) -> None:
    """Amount and day below 500 yuan; from 500 the phone's end, from 1,000 points a token, from 5,000 yuan a person."""
    loyalty = door(storage, clock, proof_steps=STEPS)
    tail = INDEX.tail("brand-a", "8000")
    bought = {
        fen: order(n, paid_fen=fen, receiver_tail_index=tail)
        for n, fen in enumerate((49_999, 50_000, 99_999, 100_000, 499_999, 500_000))
    }
    loyalty.ingest(bought.values())

    def ask(fen: int, proof: Proof) -> tuple[bool, Reason | None]:
        result = claim_of(loyalty, "m1", bought[fen], proof)
        return result.created, result.public.reason

    assert ask(49_999, right_proof(bought[49_999])) == (True, None)
    assert ask(50_000, right_proof(bought[50_000])) == (False, Reason.PROOF_REQUIRED)
    assert ask(50_000, Proof.phone_tail("8000")) == (True, None)
    assert ask(99_999, Proof.phone_tail("8000")) == (True, None)
    assert ask(100_000, Proof.phone_tail("8000")) == (False, Reason.PROOF_REQUIRED)
    token = loyalty.issue_token(platform="taobao", order_no=bought[499_999].order_no)
    assert ask(499_999, Proof.token(token)) == (True, None)
    assert ask(500_000, Proof.by_host("chat")) == (False, Reason.IN_REVIEW)
    held = {each.order_no: each for each in loyalty.reviews().items}
    assert set(held) == {bought[100_000].order_no, bought[500_000].order_no}
    told = loyalty.approve(held[bought[500_000].order_no].id, reason="seen", operator="ann", key="k")
    assert (told.state, told.holder_id) == ("GRANTED", "m1")
    assert_sound(loyalty)


def test_the_bound_buyer_needs_nothing_more(storage: Storage, clock: Clock) -> None:
    """Whatever an order is worth, the platform's own word is the strongest there is."""
    loyalty = door(storage, clock, proof_steps=STEPS)
    loyalty.bind("m1", platform="taobao", buyer_id="b1")
    assert loyalty.ingest([order(1, paid_fen=900_000, buyer_id="b1")]).claims_created == 1


def _six_cases(loyalty: Loyalty) -> list[Any]:
    """Unknown, unpaid, refunded, another buyer's, another shop's, taken by another."""
    orders = [
        order(1, status=OrderStatus.UNPAID, paid_at=None, finished_at=None),
        order(2, status=OrderStatus.CLOSED, refunded_fen=10_000),
        order(3, buyer_id="b1", status=OrderStatus.SHIPPED, finished_at=None),
        order(4, shop_id="elsewhere"),
        order(5, shop_id="ours"),
    ]
    loyalty.ingest(orders)
    loyalty.bind("owner", platform="taobao", buyer_id="b1")
    assert claim_of(loyalty, "owner", orders[4], Proof.by_host("chat")).created
    return [*orders, order(6)]


@pytest.mark.parametrize("kind", ["none", "amount", "phone", "token"])
def test_one_public_answer_without_an_accepted_proof(storage: Storage, clock: Clock, kind: str) -> None:
    """All six cases answer alike for every kind of wrong proof, also when asked again; staff see which it was."""
    loyalty = door(storage, clock, eligibility=rules.Finished(shops=["ours"]))
    cases = _six_cases(loyalty)
    proofs = {
        "none": Proof.none(),
        "amount": Proof.amount_and_day(paid_fen=7, paid_on=NOW.date()),
        "phone": Proof.phone_tail("0000"),
        "token": Proof.token("0"),
    }
    for _ in range(2):
        answers = [claim_of(loyalty, f"m{n}", case, proofs[kind]) for n, case in enumerate(cases)]
        assert {answer.public for answer in answers} == {answers[0].public}
        assert {answer.explain("zh") for answer in answers} == {"已提交，核实中"}
        assert {(answer.created, answer.granted, answer.points, answer.claimable_from) for answer in answers} == {
            (False, (), 0, None)
        }
    details = [answer.detail.reasons[1] for answer in answers]
    assert len(set(details)) >= 4
    assert_sound(loyalty)


class Counting:
    """A storage that counts the transactions that were opened and what was read in them."""

    def __init__(self, storage: Any) -> None:
        self._storage = storage
        self.reads = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._storage, name)

    def transaction(self, *, readonly: bool = False) -> Any:
        self.reads += 1
        return self._storage.transaction(readonly=readonly)


class Limiter:
    """A host's own: so many attempts a member, and no more."""

    def __init__(self, most: int) -> None:
        self.left: dict[str, int] = {}
        self.most = most

    def take(self, attempts: Any) -> list[bool]:
        answers = []
        for attempt in attempts:
            left = self.left.get(attempt.member_id, self.most)
            self.left[attempt.member_id] = max(0, left - 1)
            answers.append(left > 0)
        return answers

    def give_back(self, attempts: Any) -> None:
        for attempt in attempts:
            self.left[attempt.member_id] += 1


def test_ten_thousand_guesses_learn_nothing_and_look_nothing_up(storage: Storage, clock: Clock) -> None:
    """Half the numbers exist: one answer up to the limit, one behind it, the same for both; then no look-up."""
    counting = Counting(storage)
    loyalty = door(counting, clock, ProofChecks(rate_limiter=Limiter(30)), waiting_requests=1_000)
    loyalty.ingest([order(n, buyer_id=f"b{n}") for n in range(0, 1000, 2)])
    loyalty.bind("owner", platform="taobao", buyer_id="b0")
    answers: list[Any] = []
    for begin in range(0, 10_000, 100):
        if begin == 100:
            opened = counting.reads
        requests = [
            ClaimRequest(member_id="thief", platform="taobao", order_no=order(n % 1000).order_no)
            for n in range(begin, begin + 100)
        ]
        answers += loyalty.claim_many(requests)
    assert counting.reads == opened
    assert [answer.public.reason for answer in answers[:30]] == [Reason.RECEIVED] * 30
    assert {answer.public.reason for answer in answers[30:]} == {Reason.TOO_MANY_ATTEMPTS}
    assert {answer.explain("en") for answer in answers[30:]} == {answers[31].explain("en")}
    assert {(each.state, each.reasons) for each in answers[30:]} == {("", (Reason.TOO_MANY_ATTEMPTS,))}
    assert loyalty.ingest([order(2, buyer_id="b2", modified_at=NOW)]).claims_created == 0


def test_a_right_proof_costs_no_attempt(storage: Storage, clock: Clock) -> None:
    """What was no guess is given back to the host's limiter; whom the host vouches for is not counted at all."""
    limiter = Limiter(2)
    loyalty = door(storage, clock, ProofChecks(rate_limiter=limiter))
    loyalty.ingest([order(n) for n in range(6)])
    for n in range(4):
        assert claim_of(loyalty, "m1", order(n)).created
    assert limiter.left == {"m1": 2}
    for n in (4, 5, 4):
        claim_of(loyalty, "m1", order(n), Proof.none())
    assert limiter.left == {"m1": 0}
    assert claim_of(loyalty, "m1", order(4)).reason is Reason.TOO_MANY_ATTEMPTS
    assert claim_of(loyalty, "m1", order(4), Proof.by_host("chat")).created


@pytest.mark.parametrize("bad", [object(), 5, "x"])
def test_what_cannot_check_is_refused_when_the_door_is_built(storage: Storage, clock: Clock, bad: Any) -> None:
    """A port without its methods, and something that is no ProofChecks, are errors before any claim."""
    for name in ("phone_index", "tokens", "phone_check", "rate_limiter"):
        with pytest.raises(WrongType):
            ProofChecks(**{name: bad})
    with pytest.raises(WrongType):
        Loyalty(points_program(), storage, clock=clock, checks=bad)


def test_an_asynchronous_port_is_refused_by_a_plain_door(storage: Storage, clock: Clock) -> None:
    """It would have to wait where nothing can; the error names it."""

    class Later:
        async def matches(self, **_: Any) -> bool:
            return True

    with pytest.raises(ConfigError, match=r"Later\.matches"):
        Loyalty(points_program(), storage, clock=clock, checks=ProofChecks(phone_check=Later()))


@pytest.mark.parametrize(
    "forged",
    [Proof("review", evidence="ann"), Proof("phone", checked=True), Proof("token", marks=("0",), checked=True)],
)
def test_what_was_checked_cannot_be_brought_along(storage: Storage, clock: Clock, forged: Proof) -> None:
    """A request says what a member offers; what was found right, or decided by staff, comes from the library alone."""
    loyalty = door(storage, clock)
    loyalty.ingest([order(1)])
    with pytest.raises(InvalidInput):
        claim_of(loyalty, "m1", order(1), forged)
    assert claim_of(loyalty, "m1", order(1), Proof("phone", marks=(INDEX.phone("brand-a", PHONE),))).created is False


def test_waiting_requests_without_a_proof_are_bounded(storage: Storage, clock: Clock) -> None:
    """Squatting is worth nothing: known, taken and unknown numbers count alike, and a right proof needs no place."""
    loyalty = door(storage, clock, waiting_requests=3, attempts=rules.Attempts(per_member=100, per_order=100))
    loyalty.ingest([order(1), order(2, buyer_id="b1"), order(3)])
    loyalty.bind("owner", platform="taobao", buyer_id="b1")
    asked = [claim_of(loyalty, "m1", order(n), Proof.none()) for n in (1, 2, 50, 51, 3, 50)]
    received, full = Reason.RECEIVED, Reason.TOO_MANY_ATTEMPTS
    assert [each.reason for each in asked] == [received, received, received, full, full, received]
    assert len(loyalty.tickets("m1").items) == 3
    assert claim_of(loyalty, "m1", order(3)).created
    assert claim_of(loyalty, "m1", order(60), Proof.by_host("chat")).state == "PENDING_SYNC"
    clock.move(days=30)
    assert claim_of(loyalty, "m1", order(51), Proof.none()).reason is received
    assert_sound(loyalty)


def test_a_full_list_makes_no_guess_free(storage: Storage, clock: Clock) -> None:
    """Behind the bound attempts are counted on, so wrong amounts cannot be tried for ever."""
    loyalty = door(storage, clock, waiting_requests=1, attempts=rules.Attempts(per_member=5))
    loyalty.ingest([order(n) for n in range(10)])
    for n in range(6):
        wrong = Proof.amount_and_day(paid_fen=n, paid_on=NOW.date())
        claim_of(loyalty, "m1", order(n), wrong)
    assert claim_of(loyalty, "m1", order(9)).reason is Reason.TOO_MANY_ATTEMPTS


def test_a_taken_order_keeps_a_bounded_number_of_requests(storage: Storage, clock: Clock) -> None:
    """Everybody with the right proof hears that it is taken; three requests are kept of five, the earliest."""
    loyalty = door(storage, clock, requests_per_order=3)
    loyalty.ingest([order(1)])
    assert claim_of(loyalty, "owner", order(1)).created
    asked = [claim_of(loyalty, f"m{n}", order(1)) for n in range(5)]
    assert [each.reasons for each in asked] == [(Reason.ALREADY_CLAIMED,)] * 5
    assert [len(loyalty.tickets(f"m{n}").items) for n in range(5)] == [1, 1, 1, 0, 0]
    assert_sound(loyalty)


def test_a_crowd_keeps_nobody_out_who_shows_more(storage: Storage, clock: Clock) -> None:
    """
    Three with the right amount wait for the finish; a fourth is refused and told why, one without a proof is not.

    Whom the host vouches for takes the place of the last, and is the one who gets the order.
    """
    loyalty = door(storage, clock, requests_per_order=3)
    loyalty.ingest([order(1, **SHIPPED)])
    for n in range(3):
        assert claim_of(loyalty, f"m{n}", order(1)).reason is Reason.NOT_FINISHED
        clock.move(hours=1)
    full = claim_of(loyalty, "m3", order(1))
    assert (full.reason, full.state) == (Reason.TOO_MANY_REQUESTS, "")
    assert full.explain("zh").startswith("该订单的申请过多")
    assert full.explain("en").startswith("Too many others")
    nothing = claim_of(loyalty, "m4", order(1), Proof.none())
    assert (nothing.public.reason, nothing.explain("en")) == (Reason.RECEIVED, "Received; we are checking it.")
    assert claim_of(loyalty, "buyer", order(1), Proof.by_host("chat")).reason is Reason.NOT_FINISHED
    kept = [len(loyalty.tickets(each).items) for each in ("m0", "m1", "m2", "m3", "m4", "buyer")]
    assert kept == [1, 1, 0, 0, 0, 1]
    loyalty.ingest([order(1)])
    assert [len(loyalty.claims(each).items) for each in ("m0", "buyer")] == [0, 1]
    assert_sound(loyalty)


def test_squatters_make_room_for_a_right_proof(storage: Storage, clock: Clock) -> None:
    """Two with wrong amounts were there before the order; the right amount takes a place, and what is over another."""
    loyalty = door(storage, clock, requests_per_order=2)
    wrong = Proof.amount_and_day(paid_fen=1, paid_on=NOW.date())
    for squatter in ("s1", "s2"):
        assert claim_of(loyalty, squatter, order(1), wrong).reason is Reason.RECEIVED
        clock.move(hours=1)
    loyalty.ingest([order(1, **SHIPPED)])
    assert claim_of(loyalty, "buyer", order(1)).reason is Reason.NOT_FINISHED
    assert [len(loyalty.tickets(each).items) for each in ("s1", "s2", "buyer")] == [1, 0, 1]
    clock.move(days=31)
    assert claim_of(loyalty, "s3", order(1), wrong).reason is Reason.RECEIVED
    assert sum(len(loyalty.tickets(each).items) for each in ("s1", "buyer", "s3")) == 2
    assert_sound(loyalty)


@pytest.mark.parametrize("known", [True, False])
def test_a_crowd_that_asks_in_one_call_is_answered(storage: Storage, clock: Clock, known: bool) -> None:
    """A hundred members type one number at once, with nothing to show: each hears RECEIVED, known or not."""
    loyalty = door(storage, clock, requests_per_order=100, attempts=None)
    loyalty.ingest([order(1)] if known else [])
    crowd = [ClaimRequest(member_id=f"m{n}", platform="taobao", order_no=order(1).order_no) for n in range(100)]
    answers = loyalty.claim_many(crowd)
    assert {each.public.reason for each in answers} == {Reason.RECEIVED}
    assert len({each.public for each in answers}) == 1
    report = loyalty.ingest([order(1, buyer_id="b1", modified_at=NOW)])
    assert (report.rejected_count, report.claims_created) == (0, 0)
    assert claim_of(loyalty, "buyer", order(1)).created
    assert_sound(loyalty)


def test_a_batch_of_many_buyers_begins_again_once(storage: Storage, clock: Clock) -> None:
    """Forty claims that bind a buyer each lock all of them at once, however many there are."""
    counting = Counting(storage)
    loyalty = door(counting, clock)
    bought = [order(n, buyer_id=f"b{n}") for n in range(40)]
    loyalty.ingest(bought)
    counting.reads = 0
    asked = [
        ClaimRequest(member_id=f"m{n}", platform="taobao", order_no=each.order_no, proof=right_proof(each))
        for n, each in enumerate(bought)
    ]
    assert all(each.bound for each in loyalty.claim_many(asked))
    assert counting.reads <= 3
    assert_sound(loyalty)
