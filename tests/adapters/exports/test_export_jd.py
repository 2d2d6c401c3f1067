"""JD: rows per goods with repeated money, split orders, and refunds out of the settlement file."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pytest
from export_files import codes, only_order, only_refund, read
from platform_files import JD_NUMBER, text_file

from crossloyalty import Loyalty, Program, Reason, rules
from crossloyalty.adapters.exports import read_export
from crossloyalty.domain.orders import Line, Order, OrderKind, OrderStatus, Refund, RefundStatus, SourceKind
from crossloyalty.storage.memory import MemoryStorage

CHILDREN = ("100234567891", "100234567892")


def _one(*rows: dict[str, str]) -> Order:
    return only_order(text_file("jd-orders", *rows))


def test_a_row_becomes_an_order() -> None:
    """86.00 payable and 20.00 from the balance are 106.00 paid, 6.00 of them freight; goods are no order number."""
    assert _one({}) == Order(
        platform="jd",
        order_no=JD_NUMBER,
        shop_id="shop-1",
        status=OrderStatus.FINISHED,
        created_at=datetime(2026, 10, 1, 2, 0, tzinfo=UTC),
        paid_at=datetime(2026, 10, 1, 2, 0, 40, tzinfo=UTC),
        finished_at=datetime(2026, 10, 9, 3, 12, 13, tzinfo=UTC),
        paid_fen=10_600,
        shipping_fen=600,
        lines=(Line(line_id="sku-100012043978", paid_fen=10_000, product_id="100012043978", quantity=2),),
        source=SourceKind.EXPORT,
    )


def test_money_repeated_on_each_row_counts_once() -> None:
    """Three goods of one order: 106.00 was paid, not 318.00, and what each of them cost is not guessed."""
    found = _one({}, {"商品ID": "100012043979"}, {"商品ID": "100012043980"})
    assert found.paid_fen == 10_600
    assert found.lines is not None
    assert [(line.product_id, line.paid_fen) for line in found.lines] == [
        ("100012043978", None),
        ("100012043979", None),
        ("100012043980", None),
    ]


def test_gifts_leave_the_amount_to_the_one_that_was_bought() -> None:
    """A second row of price 0 is a free gift, so the other one has the whole amount; the same goods are told apart."""
    found = _one({}, {"京东价": "0.00", "订购数量": "1"})
    assert found.lines is not None
    assert {(line.paid_fen, line.is_free_gift) for line in found.lines} == {(10_000, None), (0, True)}
    assert {line.line_id for line in found.lines} == {"sku-100012043978", "sku-100012043978#2"}


@pytest.mark.parametrize("column", ["应付金额", "余额支付", "运费金额", "结算金额"])
def test_rows_that_differ_in_the_orders_money_contradict(column: str) -> None:
    """What belongs to the order is the same on each row, or the order is set aside."""
    values, report = read(text_file("jd-orders", {}, {"商品ID": "100012043979", column: "1.00"}))
    assert (values, codes(report)) == ([], ["ROWS_CONTRADICT"])
    assert report.defects[0].column == column


@pytest.mark.parametrize(
    ("state", "status", "is_open"),
    [
        ("等待付款", OrderStatus.UNPAID, None),
        ("等待付款确认", OrderStatus.UNPAID, None),
        ("未付款", OrderStatus.UNPAID, None),
        (" 等待出库", OrderStatus.PAID, None),
        ("暂停订单", OrderStatus.PAID, None),
        ("锁定", OrderStatus.PAID, True),
        ("（锁定）等待出库", OrderStatus.PAID, True),
        ("等待确认收货", OrderStatus.SHIPPED, None),
        ("已完成", OrderStatus.FINISHED, None),
        ("已取消", OrderStatus.CLOSED, None),
        ("(删除)等待出库", OrderStatus.CLOSED, None),
        ("(删除)完成", OrderStatus.CLOSED, None),
    ],
)
def test_states(state: str, status: OrderStatus, is_open: bool | None) -> None:
    """`(删除)` voids an order whatever follows, `(锁定)` is a cancellation asked for; old files put a blank before."""
    found = _one({"订单状态": state})
    assert (found.status, found.refund_open) == (status, is_open)
    assert (found.paid_fen == 0) == (status is OrderStatus.UNPAID)


def test_an_unknown_state_is_never_guessed() -> None:
    """A word nobody has seen sets the order aside."""
    assert codes(read(text_file("jd-orders", {"订单状态": "飞走了"}))[1]) == ["STATE_UNKNOWN"]
    assert codes(read(text_file("jd-orders", {"订单状态": ""}))[1]) == ["STATE_MISSING"]


def test_a_split_parent_leads_to_its_children() -> None:
    """The parent is no order any more, its number is its first child's too, and nothing else of the remark is kept."""
    note = f"请致电13800001111 订单拆分为 {CHILDREN[0]}    {CHILDREN[1]} 李小姐"
    content = text_file(
        "jd-orders",
        {"订单状态": "(删除)等待出库", "商家备注": note},
        {"订单号": CHILDREN[0], "应付金额": "50.00", "余额支付": "0.00", "运费金额": "6.00"},
        {"订单号": CHILDREN[1], "应付金额": "56.00", "余额支付": "0.00", "运费金额": "0.00"},
    )
    values, report = read(content)
    assert (report.splits, report.dropped_other, report.defects) == ({JD_NUMBER: CHILDREN}, 1, [])
    found = [value for value in values if isinstance(value, Order)]
    assert [(order.order_no, order.paid_fen) for order in found] == [(CHILDREN[0], 5_000), (CHILDREN[1], 5_600)]
    assert [[(line.line_id, line.paid_fen) for line in order.lines or ()] for order in found] == [
        [("sku-100012043978", 4_400), (JD_NUMBER, 0)],
        [("sku-100012043978", 5_600)],
    ]
    assert "13800001111" not in f"{values}{report}"
    assert "李小姐" not in f"{values}{report}"


def test_a_claim_on_the_parents_number_is_a_childs_claim_and_only_once() -> None:
    """The number the buyer saw resolves to a child; the same child by its own number is the same claim."""
    program = Program(program_id="p", ownership="order-no-only", rewards=[rules.PointsPerYuan("1")])
    loyalty = Loyalty(program, MemoryStorage(), clock=lambda: datetime(2026, 11, 20, tzinfo=UTC))
    content = text_file(
        "jd-orders",
        {"订单状态": "(删除)等待出库", "商家备注": f"订单拆分为 {CHILDREN[0]} {CHILDREN[1]}"},
        {"订单号": CHILDREN[0], "应付金额": "50.00", "余额支付": "0.00", "运费金额": "0.00"},
        {"订单号": CHILDREN[1], "应付金额": "56.00", "余额支付": "0.00", "运费金额": "0.00"},
    )
    with read_export(io.BytesIO(content), shop_id="s") as reader:
        loyalty.ingest(reader)
    first = loyalty.claim("m1", platform="jd", order_no=JD_NUMBER)
    assert (first.created, first.points) == (True, 50)
    again = loyalty.claim("m1", platform="jd", order_no=CHILDREN[0])
    assert (again.created, again.reason) == (False, Reason.ALREADY_CLAIMED_BY_YOU)
    other = loyalty.claim("m1", platform="jd", order_no=CHILDREN[1])
    assert (other.created, other.points) == (True, 56)


def test_cash_on_delivery_is_a_kind_of_its_own() -> None:
    """货到付款 takes no part unless the program says so."""
    assert _one({"支付方式": "货到付款"}).kind is OrderKind.COD


@pytest.mark.parametrize("cells", [{"应付金额": "106.01"}, {"应付金额": "0.00", "余额支付": "5.99"}])
def test_what_nobody_can_have_paid_is_doubtful(cells: dict[str, str]) -> None:
    """More than 订单金额 and freight (126.00), or less than the freight: a claim is held for review."""
    values, report = read(text_file("jd-orders", cells))
    assert (report.defects, report.doubtful_count) == ([], 1)
    (found,) = values
    assert isinstance(found, Order)
    assert (found.shipping_fen or 0) + sum(line.paid_fen or 0 for line in found.lines or ()) != found.paid_fen


def test_exactly_the_order_amount_and_freight_is_no_doubt() -> None:
    """126.00 is what 120.00 of goods and 6.00 of freight cost without any discount."""
    assert _one({"应付金额": "106.00"}).paid_fen == 12_600


@pytest.mark.parametrize("never", ["0001-01-01 00:00:00", "1970-01-01 00:00:00", "-"])
def test_not_yet_is_no_time(never: str) -> None:
    """JD writes a year 1 or 1970 for what has not happened."""
    found = _one({"订单状态": "等待确认收货", "订单完成时间": never})
    assert found.finished_at is None


def test_a_settlement_row_becomes_a_refund() -> None:
    """货款 as 支出 is a refund, with or without a minus; its number names the case and the goods."""
    expected = Refund(
        platform="jd",
        order_no=JD_NUMBER,
        refund_id="afs-2233445566",
        status=RefundStatus.SUCCESS,
        amount_fen=3_000,
        line_id="sku-100012043978",
        modified_at=datetime(2026, 10, 12, 16, 0, tzinfo=UTC),
        source=SourceKind.EXPORT,
    )
    assert only_refund(text_file("jd-settlement", {})) == expected
    assert only_refund(text_file("jd-settlement", {"应结金额": "30.00"})) == expected


def test_a_settlement_has_its_header_in_the_second_row() -> None:
    """A title stands above it."""
    content = "结算单明细\r\n".encode("gbk") + text_file("jd-settlement", {})
    values, report = read(content)
    assert (len(values), report.header_row) == (1, 2)


def test_income_and_fees_are_no_refunds() -> None:
    """Rows of other fees and of income are passed over and counted; of one order with both, the refund remains."""
    values, report = read(
        text_file(
            "jd-settlement",
            {"收支方向": "收入", "应结金额": "126.00", "售后服务单号": ""},
            {"费用名称": "佣金", "应结金额": "-5.00"},
            {},
            {"订单编号": CHILDREN[0], "收支方向": "收入", "应结金额": "50.00"},
        )
    )
    assert [value.order_no for value in values] == [JD_NUMBER]
    assert (report.defects, report.dropped_other, report.refunded_fen) == ([], 1, 3_000)


def test_parts_of_one_case_are_added_and_cases_are_kept_apart() -> None:
    """Rows of one case are one refund, of its goods when these are of one sort; another case is another refund."""
    values, _ = read(
        text_file(
            "jd-settlement",
            {},
            {"应结金额": "-2.00", "账单生成时间": "2026-10-14 00:00:00"},
            {"售后服务单号": "2233445567"},
            {"售后服务单号": "2233445567", "商品编号": "100012043979"},
        )
    )
    assert sorted((v.refund_id, v.amount_fen, v.line_id) for v in values if isinstance(v, Refund)) == [
        ("afs-2233445566", 3_200, "sku-100012043978"),
        ("afs-2233445567", 6_000, None),
    ]


def test_a_refund_needs_a_name() -> None:
    """Without a case number its time names it, so that the next file tells the same; without both it is a defect."""
    refund = only_refund(text_file("jd-settlement", {"售后服务单号": ""}))
    assert refund.refund_id == f"settled-{JD_NUMBER}-20261012010000"
    values, report = read(text_file("jd-settlement", {"售后服务单号": "", "售后退款时间": ""}))
    assert (values, codes(report)) == ([], ["ID_MISSING"])


def test_the_settlement_names_the_parent_too() -> None:
    """父单号 links the number the buyer saw with the order that was delivered."""
    assert read(text_file("jd-settlement", {"父单号": "100234567800"}))[1].splits == {"100234567800": (JD_NUMBER,)}
