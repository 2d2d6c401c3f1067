"""What the properties say to the library: a few orders, messages about them, programs to judge them by."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import attrs
from builders import SHANGHAI, Clock
from hypothesis import strategies as st

from crossloyalty import (
    Line,
    LineStatus,
    Milestone,
    Order,
    OrderStatus,
    PhoneIndex,
    Program,
    Proof,
    Refund,
    RefundStatus,
    SourceKind,
    rules,
)

START = datetime(2026, 3, 1, 12, tzinfo=SHANGHAI)
MEMBERS = ["m1", "m2", "m3"]
PROGRAM_ID = "brand-a"
PHONE_NUMBERS = ("13800138000", "13900139001")
PHONES = [PhoneIndex({1: b"k" * 32}).phone(PROGRAM_ID, phone) for phone in PHONE_NUMBERS]


@attrs.frozen
class Slot:
    """One order of the small world: what never changes about it."""

    platform: str
    order_no: str
    lines: tuple[tuple[str, int, str | None], ...]  # line id, paid fen, category
    shipping: int = 0
    buyer: str | None = None
    own: int = 0
    with_lines: bool = True
    phone: str | None = None

    @property
    def family(self) -> str:
        return "taobao" if self.platform == "tmall" else self.platform

    @property
    def key(self) -> tuple[str, str]:
        return self.family, self.order_no

    @property
    def paid(self) -> int:
        return sum(line[1] for line in self.lines) + self.shipping


SLOTS = [
    Slot(
        "taobao",
        "3816000000000000001",
        (("3816000000000000101", 12_345, None), ("3816000000000000102", 6_789, "food")),
        1_000,
        "b1",
        phone=PHONES[0],
    ),
    Slot("tmall", "3816000000000000002", (("1", 20_000, None),), 0, "b2", with_lines=False),
    Slot("jd", "290000000001", (("1", 9_990, None),), 600, phone=PHONES[0]),
    Slot(
        "douyin", "3816000000000000001", (("a", 30_000, None), ("b", 25_050, None), ("gift", 0, None)), 0, "b1", 1_001
    ),
    Slot("jd", "290000000002", (("1", 150, None),), 0, "b2", with_lines=False),
    Slot("douyin", "3816000000000000002", (("1", 60_000, None),), 0, "b1", 5_000, phone=PHONES[1]),
]


def program(variant: int) -> Program:
    """Give one of the programs the properties run under."""
    tiers = {"window_days": None} if variant in (0, 3) else {"window_days": 30, "period_days": 60}
    levels = [rules.Level("普通", 0), rules.Level("白银", 30_000, "1.5"), rules.Level("黄金", 80_000, "5/3")]
    once = rules.Coupon("WELCOME20", once_per="member")
    if variant == 0:
        rewards: list[Any] = [rules.PointsPerYuan("1"), rules.GrowthPerYuan("1/3"), once, rules.StoredValuePercent("1")]
        asked = rules.Finished(within_days=90, minimum_fen=100)
    elif variant == 1:
        rewards = [
            rules.PointsPerYuan("1.5", rounding="half_up", issue_after_days=15, expires_months=1),
            rules.PerStep(every_fen=5_000, points=7, expires_months=2),
            rules.Coupon("WELCOME20", once_per="member", issue_after_days=3),
            rules.Coupon("BIG", minimum_fen=15_000, expires_months=1),
        ]
        asked = rules.Finished(within_days=40, exclude_categories=("food",))
    elif variant == 2:
        rewards = [
            rules.PointsPerYuan("1.1", rounding="up", settle="all"),
            rules.PointsFixed(30, issue_after_days=15),
            rules.StoredValuePercent("2.5", issue_after_days=15, settle="all", expires_months=1),
            once,
        ]
        asked = rules.Finished(within_days=None, minimum_fen=5_000, statuses={"jd": ("SIGNED", "FINISHED")})
    elif variant == 4:
        return limited_program()
    elif variant == 5:
        return outside_program()
    else:
        rewards = [rules.PointsPerYuan("1", settle="all"), rules.PointsFixed(11, settle="per_line"), once]
        asked = rules.Finished(within_days=20)
    return Program(
        program_id=PROGRAM_ID,
        eligibility=asked,
        ownership="order-no-only" if variant == 3 else "proof",
        rewards=rewards,
        tiers=rules.SpendTiers(levels, **tiers),  # type: ignore[arg-type]
        source_tags=rules.SourceTags(),
        on_refund=rules.ClawBack(shortfall=("waive", "debt", "pending_only", "debt")[variant]),  # type: ignore[arg-type]
        ticket_days=25,
        requests_per_order={1: 2, 2: 1}.get(variant, 20),
        attempts=rules.Attempts(per_member=4, window_minutes=90, lock_minutes=60, per_order=3)
        if variant in (1, 2)
        else rules.Attempts(),
    )


def limited_program() -> Program:
    """Give a program in which everything is limited to something, and multiplied by something."""
    rich = rules.Scope(tiers=["白银", "黄金"])
    return Program(
        program_id=PROGRAM_ID,
        eligibility=rules.Finished(within_days=90, minimum_fen=200),
        basis=rules.Basis(shipping=True, own_value=True),
        rewards=[
            rules.PointsPerYuan(
                "1",
                issue_after_days=2,
                rates=[
                    rules.Rate("1.2", rules.Scope(platforms=["jd"])),
                    rules.Rate("5/3", rules.Scope(categories=["food"])),
                    rules.Rate("2", rich),
                ],
            ),
            rules.PerStep(
                5_000,
                7,
                scope=rules.Scope(exclude_categories=["food"], minimum_fen=8_000),
                issue_on=(START + timedelta(days=20)).date(),
            ),
            rules.PointsFixed(20, once_per="member", issue_after_days=3, id="newcomer"),
            rules.GrowthPerYuan("1", scope=rich, rounding="half_up", expires_on=(START + timedelta(days=25)).date()),
            rules.GrowthFixed(9, once_per="member", scope=rules.Scope(platforms=["douyin", "taobao"])),
            rules.StoredValueFixed(88, settle="per_line"),
            rules.StoredValuePerStep(
                every_fen=10_000,
                bonus_fen=130,
                scope=rules.Scope(platforms=["douyin", "jd"]),
                issue_event="reviewed",
                expires_months=1,
            ),
        ],
        tiers=rules.SpendTiers(
            [rules.Level("普通", 0), rules.Level("白银", 30_000, "1.5"), rules.Level("黄金", 80_000, "5/3")],
            window_days=30,
            period_days=20,
            grace_days=3,
            downgrade="one_level",
            warn_days=5,
            include_current=True,
        ),
        campaigns=[
            rules.Campaign("early", "2", from_at=START, until_at=START + timedelta(days=3)),
            rules.Campaign("day", "3", days=rules.Days(dates=[(START + timedelta(days=2)).date()])),
            rules.Campaign("food", "1.1", group="brand", scope=rules.Scope(categories=["food"])),
            rules.Campaign(
                "late", "2.5", by="finished", from_at=START + timedelta(days=6), rewards=["stored_value:fixed"]
            ),
        ],
        thresholds=[rules.Threshold(15_000, "1.2"), rules.Threshold(40_000, "2", after_refund="prorata")],
        caps=[
            rules.Cap("daily", 450, per="day", asset="points"),
            rules.Cap("monthly", 700, per="month", reward="growth"),
            rules.Cap("ever", 400, per="member", reward="stored_value:fixed"),
            rules.Cap("each", 300, asset="stored_value"),
        ],
        source_tags=rules.SourceTags(),
        ticket_days=25,
    )


def outside_program() -> Program:
    """Give a program whose points live outside, with tiers by growth value, gifts, actions and loss by inactivity."""
    levels = [
        rules.GrowthLevel("普通", 0),
        rules.GrowthLevel("白银", 300, "1.5"),
        rules.GrowthLevel("黄金", 800, "5/3"),
    ]
    return Program(
        program_id=PROGRAM_ID,
        eligibility=rules.Finished(within_days=90),
        rewards=[
            rules.PointsPerYuan("1", issue_after_days=9, expires_months=1),
            rules.PerStep(5_000, 7),
            rules.PointsFixed(30, once_per="member", id="newcomer"),
            rules.GrowthPerYuan("1"),
            rules.StoredValueFixed(50),
        ],
        external_books=[rules.ExternalBook("points", gateway="youzan")],
        tiers=rules.GrowthTiers(levels, period_days=20, grace_days=3, warn_days=5),
        tier_gifts=[
            rules.TierGift("silver", "白银", rules.PointsFixed(40)),
            rules.TierGift("gold", "黄金", rules.Coupon("GOLD")),
        ],
        enrol_gifts=[
            rules.EnrolGift("hello", rules.GrowthFixed(25)),
            rules.EnrolGift("hi", rules.StoredValueFixed(60, expires_months=1)),
        ],
        actions=[
            rules.Action("share", "share", rules.PointsFixed(5), per_day=1),
            rules.Action("review", "review", rules.GrowthFixed(40), per_month=2, per_member=3),
            rules.Action("thanks", "review", rules.Coupon("THANKS", expires_months=1), per_day=2),
        ],
        inactivity=rules.Inactivity(idle_days=6, growth=250, every_days=5, floor_growth=100),
        source_tags=rules.SourceTags(),
        ticket_days=25,
    )


def changed(of: Program) -> Program:
    """Give the next revision: other rates, another shortfall, a rule gone and a rule new."""
    other = {"debt": "waive", "waive": "debt", "pending_only": "debt"}[of.on_refund.shortfall]
    kept = [rule for rule in of.rewards if not isinstance(rule, rules.StoredValuePercent)]
    added = [] if any(rule.id == "extra" for rule in kept) else [rules.GrowthPerYuan("2", id="extra")]
    rewards = [attrs.evolve(rule, rate="2") if isinstance(rule, rules.PointsPerYuan) else rule for rule in kept]
    return attrs.evolve(of, rewards=[*rewards, *added], on_refund=rules.ClawBack(shortfall=other))  # type: ignore[arg-type]


def finished_at(slot: int) -> datetime:
    """Slot 4 is finished a day behind the clock's first moment, so it has to wait (D7)."""
    return START + timedelta(days=11 if slot == 4 else slot + 3)


def modified(hours: int | None) -> datetime | None:
    return None if hours is None else START + timedelta(days=9, hours=hours)


def order_message(
    slot: int,
    status: str,
    hours: int | None,
    source: str,
    line_status: tuple[str | None, ...],
    figure: int | None,
    line_figure: int | None,
    bare: bool,
) -> Order:
    """
    Give a snapshot of an order.

    Args:
        slot: Which order.
        status, hours, source: Its state, its version, where it is from.
        line_status: States of its lines, in turn.
        figure, line_figure: Percent of the order and of its first line that the snapshot says went back.
        bare: It states its status and its times only.
    """
    at = SLOTS[slot]
    done = finished_at(slot) if status in ("SIGNED", "FINISHED") else None
    stated: dict[str, Any] = {
        "platform": at.platform,
        "order_no": at.order_no,
        "status": OrderStatus[status],
        "created_at": START + timedelta(days=slot),
        "paid_at": None if status == "UNPAID" else START + timedelta(days=slot),
        "finished_at": done,
        "modified_at": modified(hours),
        "source": SourceKind[source],
    }
    if not bare:
        lines = tuple(
            Line(
                line_id=line_id,
                paid_fen=paid,
                category=category,
                status=None if state is None else LineStatus[state],
                is_free_gift=True if line_id == "gift" else None,
                refunded_fen=None if line_figure is None or place else paid * line_figure // 100,
            )
            for place, ((line_id, paid, category), state) in enumerate(zip(at.lines, line_status, strict=False))
        )
        stated |= {
            "buyer_id": at.buyer,
            "receiver_phone_index": at.phone,
            "paid_fen": at.paid,
            "shipping_fen": at.shipping,
            "own_value_fen": at.own or None,
            "lines": lines if at.with_lines else None,
            "refunded_fen": None if figure is None else at.paid * figure // 100,
        }
    return Order(**stated)


def finished_message(slot: int, hours: int = 5) -> Order:
    """Give the usual snapshot of a finished order, by the platform's API, without figures of what went back."""
    return order_message(slot, "FINISHED", hours, "API", (None,) * 3, None, None, False)


def refund_message(
    slot: int, refund_id: str, status: str, hours: int | None, percent: int, line: int | None, shipped: bool
) -> Refund:
    """Give a refund of some percent of an order or of one of its lines; *shipped* states a part for shipping."""
    at = SLOTS[slot]
    on = None if line is None else at.lines[line % len(at.lines)]
    amount = (at.paid if on is None else on[1]) * percent // 100
    return Refund(
        platform=at.platform,
        order_no=at.order_no,
        refund_id=refund_id,
        status=RefundStatus[status],
        amount_fen=amount,
        line_id=None if on is None else on[0],
        shipping_fen=min(amount, at.shipping) if shipped else None,
        modified_at=modified(hours),
    )


hours = st.integers(-1, 40).map(lambda hour: None if hour < 0 else hour)
percents = st.sampled_from([1, 10, 33, 50, 60, 100, 100])
line_states = st.sampled_from([None, None, None, "FINISHED", "SHIPPED", "CLOSED_REFUNDED"])


def orders(slots: st.SearchStrategy[int]) -> st.SearchStrategy[Order]:
    """Draw snapshots, most of them finished."""
    return st.builds(
        order_message,
        slot=slots,
        status=st.sampled_from(["FINISHED", "FINISHED", "FINISHED", "FINISHED", "SIGNED", "PAID", "SHIPPED", "CLOSED"]),
        hours=hours,
        source=st.sampled_from(["API", "API", "EXPORT", "MESSAGE"]),
        line_status=st.tuples(line_states, line_states, st.none()),
        figure=st.none() | percents,
        line_figure=st.none() | percents,
        bare=st.sampled_from([False, False, False, True]),
    )


def refunds(slots: st.SearchStrategy[int]) -> st.SearchStrategy[Refund]:
    """Draw refunds of three ids in every state."""
    return st.builds(
        refund_message,
        slot=slots,
        refund_id=st.sampled_from(["r1", "r2", "r3"]),
        status=st.sampled_from(["SUCCESS", "SUCCESS", "OPEN", "CLOSED", "PAYOUT_FAILED"]),
        hours=hours,
        percent=percents,
        line=st.none() | st.integers(0, 1),
        shipped=st.booleans(),
    )


def milestones(slots: st.SearchStrategy[int]) -> st.SearchStrategy[Milestone]:
    """Draw events of orders, some of them nobody waits for."""

    def tell(slot: int, event: str, day: int) -> Milestone:
        at = SLOTS[slot]
        return Milestone(platform=at.platform, order_no=at.order_no, event=event, at=START + timedelta(days=day))

    return st.builds(tell, slots, st.sampled_from(["reviewed", "reviewed", "installed"]), st.integers(1, 9))


class Registry:
    """Keeps messages of one version equal, so that no tie is decided by a hash the model does not know."""

    def __init__(self) -> None:
        self._seen: dict[tuple[Any, ...], Order | Refund] = {}

    def same(self, item: Order | Refund | Milestone) -> Order | Refund | Milestone:
        """Give the first message of this version, from this message's source."""
        if isinstance(item, Milestone):
            return item
        which = item.refund_id if isinstance(item, Refund) else ""
        version = (item.platform, item.order_no, which, item.modified_at, item.status)
        first = self._seen.setdefault(version, item)
        return attrs.evolve(first, source=item.source)


def key_of(item: Order | Refund | Milestone) -> tuple[str, str]:
    """Name the order a message is about."""
    return ("taobao" if item.platform == "tmall" else item.platform), item.order_no


def proof_of(slot: int, kind: str) -> Proof:
    """Give a right, a wrong, a host's or no proof for an order."""
    paid_on = (START + timedelta(days=slot)).date()
    if kind == "right":
        return Proof.amount_and_day(paid_fen=SLOTS[slot].paid, paid_on=paid_on)
    if kind == "wrong":
        return Proof.amount_and_day(paid_fen=SLOTS[slot].paid, paid_on=paid_on + timedelta(days=1))
    return Proof.by_host("chat") if kind == "host" else Proof.none()


def spelled(number: str, how: int) -> str:
    """Spell an order number as people and chat programs do."""
    if how == 1:
        return number.translate({ord("0") + digit: chr(0xFF10 + digit) for digit in range(10)})
    return f" {number[:4]}\u200b{number[4:]}\u3000" if how == 2 else number


def clock_at_start() -> Clock:
    """Give a clock some days behind the first orders."""
    return Clock(START + timedelta(days=10))
