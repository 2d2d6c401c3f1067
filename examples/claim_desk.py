"""
A claim desk for an afternoon: an attacker who guesses, a buyer who proves, and a dispute that staff decide.

    python examples/claim_desk.py

Nothing but the package is needed. The clock is a plain object, the store is in memory. Every answer that is printed is
checked; a wrong one ends the script with an error.
"""

from __future__ import annotations

import sys
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from crossloyalty import (
    ClaimResult,
    Loyalty,
    Order,
    OrderStatus,
    OrderTokens,
    PhoneIndex,
    Program,
    Proof,
    ProofChecks,
    Reason,
    rules,
)
from crossloyalty.storage.memory import MemoryStorage

BEIJING = ZoneInfo("Asia/Shanghai")
PHONE = "138 0013 8000"
# In a real desk both come from your secret store.
PHONES = PhoneIndex({1: b"an example key of thirty-two byte"})
TOKENS = OrderTokens(b"another example key, just as long.")

PROGRAM = Program(
    program_id="brand-a",
    rewards=[rules.PointsPerYuan("1"), rules.Coupon("WELCOME20", once_per="member")],
    binding=rules.Binding(on_claim="phone"),
    proof_steps=[rules.ProofStep(proof="phone_tail", from_fen=100_000)],
    attempts=rules.Attempts(per_member=5),
)


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 20, 14, tzinfo=BEIJING)

    def __call__(self) -> datetime:
        return self.at


def number(n: int) -> str:
    return f"38161234567890{n:05d}"


def order(n: int, *, paid_fen: int = 19_900, buyer_id: str = "li-wei", paid_on: int = 2) -> Order:
    paid = datetime(2026, 11, paid_on, 10, tzinfo=BEIJING)
    return Order(
        platform="tmall",
        order_no=number(n),
        status=OrderStatus.FINISHED,
        buyer_id=buyer_id,
        paid_at=paid,
        finished_at=paid + timedelta(days=5),
        paid_fen=paid_fen,
        receiver_phone_index=PHONES.phone("brand-a", PHONE),
        receiver_tail_index=PHONES.tail("brand-a", "8000"),
    )


def check(holds: bool, what: str) -> None:
    if not holds:
        raise SystemExit(f"结果不对 / wrong: {what}")


def title(zh: str, en: str) -> None:
    print(f"\n{zh} · {en}")


def tell(who: str, result: ClaimResult) -> None:
    """Print what the asker may be shown, and behind it what only staff see."""
    staff = ", ".join(reason.value for reason in result.detail.reasons) or "-"
    shown = result.public
    print(f"  {who:<8} {shown.sentence('zh')} / {shown.sentence('en')}")
    print(f"           [店员可见 staff: {staff}; {result.state or '-'}; +{result.points}]")


def main() -> None:
    """Run the desk."""
    clock = Clock()
    checks = ProofChecks(phone_index=PHONES, tokens=TOKENS)
    desk = Loyalty(PROGRAM, MemoryStorage(), clock=clock, checks=checks)
    desk.ingest([order(1), order(2), order(3, paid_fen=150_000), order(4, buyer_id="wang-fang")])
    ours = {"platform": "tmall"}

    title("一、猜订单号的人", "1. Somebody guesses order numbers")
    answers = [desk.claim("mallory", **ours, order_no=number(n)) for n in (1, 2, 77, 78, 79, 1, 80)]
    for n, answer in zip((1, 2, 77, 78, 79, 1, 80), answers, strict=True):
        tell(f"#{n}", answer)
    check({each.public.reason for each in answers[:5]} == {Reason.RECEIVED}, "one answer for every number")
    check(answers[6].reason is Reason.TOO_MANY_ATTEMPTS, "behind five guesses nothing is looked up")
    right = Proof.amount_and_day(paid_fen=19_900, paid_on=date(2026, 11, 2))
    locked = desk.claim("mallory", **ours, order_no=number(1), proof=right)
    check(locked.reason is Reason.TOO_MANY_ATTEMPTS, "a right proof neither")

    title("二、真正的买家", "2. The real buyer")
    first = desk.claim("li", **ours, order_no=number(1), proof=Proof.phone(PHONE))
    tell("li #1", first)
    check(first.created and first.points == 199, "the phone proves it")
    print(f"           已绑定 bound: {[each.via for each in desk.identities('li').items]}")
    check(desk.ingest([order(5)]).claims_created == 1, "a later order converts by itself")
    tell("li #5", desk.claim("li", **ours, order_no=number(5)))
    rest = desk.bind("li", platform="tmall", buyer_id="li-wei", evidence="past orders")
    print(f"           补转 past orders: {[(each.order_no[-1], each.points) for each in rest.backfill]}")
    check(desk.member("li").points == 199 * 3 + 1_500, "three orders of 199 yuan and one of 1,500")

    title("三、一次性口令", "3. A one-time token")
    token = desk.issue_token(platform="tmall", order_no=number(6), valid_minutes=60)
    tell("chen #6", desk.claim("chen", **ours, order_no=number(6), proof=Proof.token(token)))
    check(desk.ingest([order(6, buyer_id="chen-jie")]).claims_created == 1, "it waits for its order")
    copied = desk.claim("eve", **ours, order_no=number(6), proof=Proof.token(token))
    tell("eve #6", copied)
    check(copied.public.reason is Reason.RECEIVED, "a copied token proves nothing")

    title("四、争议", "4. A dispute")
    screenshot = Proof.amount_and_day(paid_fen=19_900, paid_on=date(2026, 11, 2))
    taken = desk.claim("oscar", **ours, order_no=number(4), proof=screenshot)
    tell("oscar #4", taken)
    check(taken.created, "whoever has the screenshot is faster")
    desk.bind("wang", platform="tmall", buyer_id="wang-fang", evidence="signed in", via="callback")
    asked = desk.claim("wang", **ours, order_no=number(4))
    tell("wang #4", asked)
    [review] = [each for each in desk.reviews().items if each.member_id == "wang"]
    told = desk.approve(review.id, reason="the platform names wang", operator="ann", key="review-1")
    print(f"           审核通过 approved: {told.holder_id}, holder {told.holder_no}")
    check((told.holder_id, told.holder_no) == ("wang", 2), "the claim moves")
    check((desk.member("oscar").points, desk.member("wang").points) == (0, 199), "and all it gave")

    check(desk.verify().ok, "the store is sound")
    print("\n全部核对无误 · everything checked")


if __name__ == "__main__":
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(encoding="utf-8")
    main()
