"""
The whole way of an order, on a laptop: files in, claimed once, waiting, spendable, refunded and taken back, explained.

    python examples/quickstart.py

Nothing but the package is needed. The clock is a plain object that this script moves, the store is an SQLite file in a
temporary directory, the export files are the samples in `examples/data`. Every figure that is printed is checked; a
wrong one ends the script with an error.
"""

from __future__ import annotations

import io
import sys
import tempfile
import unicodedata
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from crossloyalty import (
    ClaimRequest,
    ClaimResult,
    Loyalty,
    Order,
    OrderStatus,
    Program,
    Proof,
    Reason,
    Refund,
    RefundStatus,
    SourceKind,
    rules,
)
from crossloyalty.adapters.exports import ExportReport, read_export
from crossloyalty.storage.sqlite import SqliteStorage

DATA = Path(__file__).resolve().parent / "data"
BEIJING = ZoneInfo("Asia/Shanghai")

PROGRAM = Program(
    program_id="brand-a",
    timezone="Asia/Shanghai",
    eligibility=rules.Finished(within_days=90, minimum_fen=100),
    ownership="proof",
    rewards=[
        rules.PointsPerYuan("1", issue_after_days=15, expires_months=12),
        rules.GrowthPerYuan("1"),
        rules.Coupon("WELCOME20", once_per="member"),
        rules.StoredValuePercent("1"),
    ],
    tiers=rules.SpendTiers({"普通": 0, "白银": 200_000, "黄金": 500_000}, window_days=365),  # fen
    source_tags=rules.SourceTags(),
    on_refund=rules.ClawBack(shortfall="debt"),
)

# What m1 copies from two apps: platform, order number, amount paid in fen, day of payment. 2,000 yuan in all.
ORDERS_OF_M1 = (
    ("taobao", "3816123456789011001", 12_800, date(2026, 10, 31)),
    ("taobao", "3816123456789011002", 25_600, date(2026, 11, 1)),
    ("taobao", "3816123456789011003", 19_900, date(2026, 11, 2)),
    ("taobao", "3816123456789011004", 8_900, date(2026, 11, 3)),
    ("taobao", "3816123456789011005", 31_300, date(2026, 11, 4)),
    ("taobao", "3816123456789011006", 16_500, date(2026, 11, 6)),
    ("douyin", "6953489890610191001", 22_900, date(2026, 11, 1)),
    ("douyin", "6953489890610191002", 17_500, date(2026, 11, 2)),
    ("douyin", "6953489890610191003", 26_100, date(2026, 11, 5)),
    ("douyin", "6953489890610191004", 18_500, date(2026, 11, 7)),
)
REFUNDED = "3816123456789011005"


class Clock:
    """A clock that stands still until it is told to move."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


def main() -> None:
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")  # some consoles know no Chinese by themselves
    clock = Clock(datetime(2026, 11, 20, 10, 0, tzinfo=BEIJING))
    with tempfile.TemporaryDirectory() as folder, SqliteStorage(Path(folder) / "loyalty.db") as storage:
        loyalty = Loyalty(PROGRAM, storage, clock=clock)
        import_files(loyalty)
        claim_ten_orders(loyalty)
        claim_for_others(loyalty)
        try_a_taken_number(loyalty)
        wait_fifteen_days(loyalty, clock)
        refund(loyalty, clock)
        convert_for_a_bound_buyer(loyalty, clock)
        show_everybody(loyalty)
        show_events(loyalty)
        verify(loyalty)


# -- 1. files --------------------------------------------------------------------------------------------------------


def import_files(loyalty: Loyalty) -> None:
    title("导入商家后台的导出文件", "Export files of the merchant back ends come in")
    names = ("ExportOrderList202611200930.csv", "1795138200_douyin_orders.csv", "1795138200_douyin_aftersale.csv")
    reports: list[ExportReport] = []
    for name in names:
        with read_export(DATA / name, shop_id="brand-a-flagship") as reader:
            taken = loyalty.ingest(reader)
            report = reader.report
        check(taken.rejected_count, 0)
        check(taken.changed, report.orders + report.refunds)
        reports.append(report)
        print(f"  {name}")
        print(f"    {report.layout}, {report.encoding}, {report.exported_at:%Y-%m-%d %H:%M} UTC")
        rejected = sum(report.defect_counts.values())
        say(
            f"{report.rows} 行：订单 {report.orders}，退款 {report.refunds}，合计行 {report.dropped_totals}，"
            f"拒收 {rejected} 行",
            f"{report.rows} rows: orders {report.orders}, refunds {report.refunds}, totals {report.dropped_totals}, "
            f"rejected {rejected}",
            indent=4,
        )
        for defect in report.defects:
            say(f"{defect.sentence('zh')}（{defect.value}）", f"{defect.sentence('en')} ({defect.value})", indent=6)
    check([report.rows for report in reports], [261, 160, 45])
    check([(report.orders, report.refunds) for report in reports], [(256, 0), (97, 0), (0, 45)])
    check([defect.row for defect in reports[0].defects], [42, 99, 173, 224])

    with read_export(DATA / names[0], shop_id="brand-a-flagship") as reader:
        again = loyalty.ingest(reader)
    check((again.changed, again.unchanged), (0, 256))
    say("同一文件再导入一次：256 条全部无变化", "The same file once more: 256 items, all of them known already")


# -- 2. ten orders, two platforms, 2,000 yuan ------------------------------------------------------------------------


def claim_ten_orders(loyalty: Loyalty) -> None:
    title(
        "m1 凭实付金额和付款日兑换两个平台的十个订单",
        "m1 claims ten orders of two platforms, by the amount paid and the day",
    )
    results = loyalty.claim_many(
        ClaimRequest(
            member_id="m1",
            platform=platform,
            order_no=order_no,
            proof=Proof.amount_and_day(paid_fen=paid_fen, paid_on=paid_on),
            touch="parcel-card",
        )
        for platform, order_no, paid_fen, paid_on in ORDERS_OF_M1
    )
    for result in results:
        print(f"  {pad(result.platform, 7)} {result.order_no}  {result.points:>5}  {result.public.sentence('zh')}")
        check((result.created, result.reason), (True, None))
    check(sum(result.points for result in results), 2_000)
    check({result.tier for result in results}, {"白银"})

    member = loyalty.member("m1")
    check((member.points, member.pending_points, member.tier), (0, 2_000, "白银"))
    check((member.net_spend_fen, member.orders), (200_000, 10))
    say(
        "消费 2000.00 元 → 2000 积分，等级：白银",
        "Spend 2000.00 yuan → 2000 points, tier 白银 (silver)",
    )
    say(
        f"积分在完成 15 天后生效：待生效 {member.pending_points}，可用 {member.points}",
        f"Points wait for 15 days after the finish: {member.pending_points} are pending, {member.points} spendable",
    )


# -- 3. others -------------------------------------------------------------------------------------------------------


def claim_for_others(loyalty: Loyalty) -> None:
    title("其他会员的订单，各有各的情形", "Orders of other members, each with its own story")
    paid = Proof.amount_and_day

    whole = loyalty.claim(
        "m2",
        platform="tmall",  # one family with Taobao, so the number is found
        order_no="３８１６ 1234 5678 9012 001",  # full-width digits and blanks, as people type
        proof=paid(paid_fen=30_000, paid_on=date(2026, 11, 4)),
    )
    check((whole.created, whole.order_no, whole.points), (True, "3816123456789012001", 300))
    show("m2", "完成的订单，全角数字", "a finished order, typed in full-width digits", whole)

    split = loyalty.claim(
        "m4",
        platform="douyin",
        order_no="6953489890610195101",  # a sub-order's number; the order is claimed
        proof=paid(paid_fen=20_000, paid_on=date(2026, 11, 4)),
    )
    check((split.created, split.order_no, split.state), (True, "6953489890610195001", "PARTIAL"))
    check((split.points, [grant.asset for grant in split.granted]), (100, ["points", "growth", "stored_value"]))
    show("m4", "拆单，填的是子订单号", "a split order, claimed by the number of a sub-order", split)

    shipped = loyalty.claim(
        "m5",
        platform="taobao",
        order_no="3816123456789013001",
        proof=paid(paid_fen=15_900, paid_on=date(2026, 11, 16)),
    )
    check((shipped.created, shipped.reason, shipped.state), (False, Reason.NOT_FINISHED, "PENDING_FINISH"))
    show("m5", "还没确认收货，申请先等着", "not received yet, so the request waits", shipped)

    closed = loyalty.claim(
        "m6",
        platform="taobao",
        order_no="3816123456789014001",
        proof=paid(paid_fen=22_000, paid_on=date(2026, 11, 2)),
    )
    check((closed.reason, closed.granted, closed.state), (Reason.CLOSED, (), "REVERSED"))
    show("m6", "已全额退款关闭：号码占用，不发放", "closed and refunded: its number is taken, nothing is given", closed)


def try_a_taken_number(loyalty: Loyalty) -> None:
    title("陌生人 m9 试别人的订单号", "A stranger, m9, tries a number that is taken")
    taken = loyalty.claim("m9", platform="taobao", order_no="3816123456789011001")
    unknown = loyalty.claim("m9", platform="taobao", order_no="3816123456789099999")
    mangled = loyalty.claim("m9", platform="taobao", order_no="3.81612E+18")
    check(taken.public.sentence("zh"), "已提交，核实中")
    check(taken.public, unknown.public)  # whether an order exists cannot be told from the answer
    check(taken.detail.reasons, (Reason.RECEIVED, Reason.ALREADY_CLAIMED))
    check((taken.detail.holder_id, taken.created, taken.granted), ("m1", False, ()))
    check(mangled.reason, Reason.ORDER_NO_MANGLED)
    for what_zh, what_en, result in (
        ("已被 m1 兑换的号", "m1's number", taken),
        ("不存在的号", "a number nobody has", unknown),
        ("被表格改写的号", "a number a spreadsheet has eaten", mangled),
    ):
        print(f"  {what_zh} / {what_en}")
        say(f"对申请人：{result.public.sentence('zh')}", f"to the asker: {result.public.sentence('en')}", indent=4)
        codes = ", ".join(reason.value for reason in result.detail.reasons)
        holder = result.detail.holder_id or "-"
        say(f"给客服：{codes}；持有人 {holder}", f"to staff: {codes}; holder {holder}", indent=4)


# -- 4. time passes --------------------------------------------------------------------------------------------------


def wait_fifteen_days(loyalty: Loyalty, clock: Clock) -> None:
    clock.now += timedelta(days=15)
    title("15 天后，到期任务", "Fifteen days later: what is due")
    report = loyalty.run_due()
    member = loyalty.member("m1")
    check((member.points, member.pending_points), (2_000, 0))
    check((report.issued, loyalty.run_due().issued), (12, 0))
    say(
        f"生效 {report.issued} 批；m1 可用 {member.points}，待生效 {member.pending_points}",
        f"{report.issued} lots became spendable; m1 has {member.points} spendable, {member.pending_points} pending",
    )
    expires = member.balances["points"]
    say(
        f"最早到期：{expires.expires_next} 积分，{day_before(expires.expires_next_at)} 当天结束",
        f"Next to expire: {expires.expires_next} points, at the end of {day_before(expires.expires_next_at)}",
    )


def refund(loyalty: Loyalty, clock: Clock) -> None:
    title("退款：m1 整单退，m2 退一部分", "Refunds: one whole order of m1, a part of m2's")
    taken = loyalty.ingest(
        [
            Refund(
                platform="taobao",
                order_no=REFUNDED,
                refund_id="r-1",
                status=RefundStatus.SUCCESS,
                amount_fen=31_300,
                modified_at=clock(),
            ),
            Refund(
                platform="taobao",
                order_no="3816123456789012001",
                refund_id="r-2",
                status=RefundStatus.SUCCESS,
                amount_fen=10_000,
                modified_at=clock(),
            ),
        ]
    )
    check((taken.changed, taken.claims_changed), (2, 2))
    member, other = loyalty.member("m1"), loyalty.member("m2")
    check((member.points, member.tier, member.window_spend_fen), (1_687, "普通", 168_700))
    check((other.points, other.orders), (200, 1))
    say(
        f"m1：扣回 313，剩 {member.points} 积分；消费 1687.00 元，低于 2000.00 元，白银立即变为{member.tier}",
        f"m1: 313 taken back, {member.points} points left; spend 1687.00 yuan is below 2000.00, so the tier falls from "
        f"白银 (silver) to {member.tier} (basic) at once",
    )
    say("m2：300 → 200 积分（部分退款）", "m2: 300 → 200 points, for a part was refunded")
    explanation = loyalty.explain(platform="taobao", order_no=REFUNDED)
    for language in ("zh", "en"):
        quote(explanation.text(language))
    again = loyalty.claim("m9", platform="taobao", order_no=REFUNDED, proof=Proof.by_host("chat"))
    check((again.created, again.reason), (False, Reason.ALREADY_CLAIMED))
    say("退款后订单号也不会被释放：", "The number stays taken after the refund:")
    quote(f"{again.explain('zh')}  {again.explain('en')}")


# -- 5. no typing any more -------------------------------------------------------------------------------------------


def convert_for_a_bound_buyer(loyalty: Loyalty, clock: Clock) -> None:
    title("绑定之后，订单自动转换", "Once the buyer is bound, orders convert by themselves")
    bound = loyalty.bind("m3", platform="jd", buyer_id="jd-open-id-7", evidence="phone verified in the app")
    check((bound.bound, bound.converted), (True, ()))
    yesterday = clock() - timedelta(days=1)
    later = Order(
        platform="jd",
        order_no="29876543210",
        status=OrderStatus.FINISHED,
        buyer_id="jd-open-id-7",
        created_at=yesterday - timedelta(days=5),
        paid_at=yesterday - timedelta(days=5),
        finished_at=yesterday,
        modified_at=yesterday,
        paid_fen=52_800,
        shipping_fen=800,
        source=SourceKind.API,
    )
    waiting = Order(  # m5's order of before, as the platform reports it now
        platform="taobao",
        order_no="3816123456789013001",
        status=OrderStatus.FINISHED,
        finished_at=yesterday,
        modified_at=yesterday,
        source=SourceKind.API,
    )
    taken = loyalty.ingest([later, waiting])
    check((taken.claims_created, taken.orders_new), (2, 1))
    asked = loyalty.claim("m3", platform="jd", order_no="29876543210")
    check((asked.created, asked.reason, asked.points), (False, Reason.AUTO_CONVERTED, 520))
    check(loyalty.member("m5").pending_points, 159)
    say("m3 的京东订单入库即转换，无人填写：", "m3's JD order was converted as it came in, nobody typed it:")
    quote(asked.explain("zh"))
    quote(asked.explain("en"))
    say(
        "m5 等待的申请也随订单完成而兑换：159 积分待生效",
        "m5's waiting request became a claim when the order finished: 159 points pending",
    )


# -- 6. looking at it ------------------------------------------------------------------------------------------------


def show_everybody(loyalty: Loyalty) -> None:
    title("每位会员：发生了什么，为什么", "Every member: what happened, and why")
    expected = {
        "m1": (1_687, 0, "普通"),
        "m2": (200, 0, "普通"),
        "m3": (0, 520, "普通"),
        "m4": (100, 0, "普通"),
        "m5": (0, 159, "普通"),
        "m6": (0, 0, "普通"),
        "m9": (0, 0, "普通"),
    }
    for member_id, figures in expected.items():
        member = loyalty.member(member_id)
        check((member.points, member.pending_points, member.tier), figures)
        bonus = member.balances["stored_value"].available if "stored_value" in member.balances else 0
        coupons = ", ".join(coupon.code for coupon in member.coupons) or "-"
        tags = ", ".join(member.tags) or "-"
        gap = f"{member.next_tier_gap_fen / 100:.2f}"
        print(f"  {member_id}")
        say(
            f"等级 {member.tier}（距{member.next_tier}还差 {gap} 元）；可用积分 {member.points}，待生效 "
            f"{member.pending_points}；赠送金 {bonus / 100:.2f} 元；优惠券 {coupons}；来源 {tags}",
            f"tier {member.tier}, {gap} yuan to {member.next_tier}; {member.points} points, {member.pending_points} "
            f"pending; bonus {bonus / 100:.2f} yuan; coupons {coupons}; sources {tags}",
            indent=4,
        )
        claims = loyalty.claims(member_id).items
        for claim in claims:
            net = f"{claim.net_fen / 100:>8.2f}"
            points = f"{claim.grants['points']:>5}"
            print(f"    {pad(claim.platform, 7)} {claim.order_no:<19} {net}元/yuan {points}分/points  {claim.state}")
        if claims:  # the reason of the latest one; `explain` gives it for every order
            explanation = loyalty.explain(platform=claims[0].platform, order_no=claims[0].order_no)
            quote(explanation.text("zh"), indent=6)
            quote(explanation.text("en"), indent=6)
        for ticket in loyalty.tickets(member_id).items:
            say(
                f"{ticket.family} {ticket.order_no}：{ticket.state}，{ticket.reason.sentence('zh')}（仅客服可见）",
                f"{ticket.family} {ticket.order_no}: {ticket.state}. {ticket.reason.sentence('en')} (staff only)",
                indent=4,
            )
        print()


def show_events(loyalty: Loyalty) -> None:
    title("m2 的事件，供商家自己的系统发消息", "The events of m2, for the host's own messages")
    events = loyalty.pending_events(limit=1_000)
    mine = [event for event in events if event.member_id == "m2"]
    for event in mine:
        body = {name: event.body[name] for name in ("asset", "amount", "state", "tag") if name in event.body}
        facts = ", ".join(f"{name} {value}" for name, value in body.items())
        print(f"  {event.seq:>3}  {event.at.astimezone(BEIJING):%m-%d %H:%M}  {event.kind:<26} {facts}")
    check([event.seq for event in mine], list(range(1, len(mine) + 1)))
    check(mine[-1].kind, "claim.changed")
    check(loyalty.ack(event.id for event in events), len(events))
    check(loyalty.pending_events(), [])
    say(f"共 {len(events)} 个事件，处理后已确认", f"{len(events)} events in all, handled and acknowledged")


def verify(loyalty: Loyalty) -> None:
    title("核对整个账本", "The whole store is checked")
    report = loyalty.verify()
    check(report.violations, [])
    say(
        f"{report.members} 位会员、{report.orders} 个订单，未发现问题",
        f"{report.members} members, {report.orders} orders, nothing wrong",
    )


# -- printing and checking -------------------------------------------------------------------------------------------


def check(found: object, expected: object) -> None:
    """Stop when a figure is not what this script says."""
    if found != expected:
        raise AssertionError(f"expected {expected!r}, found {found!r}")


def title(zh: str, en: str) -> None:
    print(f"\n== {zh}\n   {en}\n")


def say(zh: str, en: str, *, indent: int = 2) -> None:
    print(f"{' ' * indent}{zh}\n{' ' * indent}{en}")


def quote(text: str, *, indent: int = 4) -> None:
    for line in text.splitlines():
        print(f"{' ' * indent}| {line}")


def show(who: str, what_zh: str, what_en: str, result: ClaimResult) -> None:
    print(f"  {who}: {what_zh} / {what_en}")
    quote(result.explain("zh"))
    quote(result.explain("en"))


def pad(text: str, columns: int) -> str:
    """Fill with blanks up to a width on the screen, where a Chinese character takes two columns."""
    return text + " " * (columns - width(text))


def width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def day_before(end: datetime | None) -> str:
    """Name the local day an instant at its very end belongs to."""
    return "-" if end is None else f"{(end - timedelta(microseconds=1)).astimezone(BEIJING):%Y-%m-%d}"


if __name__ == "__main__":
    main()
