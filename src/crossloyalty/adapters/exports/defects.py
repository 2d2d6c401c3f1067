"""What can be wrong with a row, and the sentence that tells the merchant what to do about it."""

from __future__ import annotations

import enum
import re
from typing import Final, Literal, NamedTuple

__all__ = ["Defect", "DefectCode", "masked"]

_SHOWN_CHARACTERS = 24
_LONG_DIGITS = re.compile(r"[0-9]{7,}", re.ASCII)
_SCIENTIFIC = re.compile(r"[0-9.]+[eE][+-]?[0-9]+", re.ASCII)


class DefectCode(enum.Enum):
    """Why a row was set aside. The value is shown and sent, so it stays as it is."""

    ID_MANGLED = "ID_MANGLED"
    ID_MISSING = "ID_MISSING"
    ID_INVALID = "ID_INVALID"
    MONEY_INVALID = "MONEY_INVALID"
    MONEY_MISSING = "MONEY_MISSING"
    TIME_INVALID = "TIME_INVALID"
    QUANTITY_INVALID = "QUANTITY_INVALID"
    STATE_UNKNOWN = "STATE_UNKNOWN"
    STATE_MISSING = "STATE_MISSING"
    LISTS_UNEQUAL = "LISTS_UNEQUAL"
    AMOUNTS_CONTRADICT = "AMOUNTS_CONTRADICT"
    ROWS_CONTRADICT = "ROWS_CONTRADICT"
    ROW_SHIFTED = "ROW_SHIFTED"
    QUOTE_UNCLOSED = "QUOTE_UNCLOSED"
    TOO_MANY_LINES = "TOO_MANY_LINES"
    AMOUNTS_DOUBTFUL = "AMOUNTS_DOUBTFUL"


_SENTENCES: Final = {
    DefectCode.ID_MANGLED: (
        "文件被表格软件另存过，订单号末位已丢失，请重新导出后直接上传",
        "the file was saved by a spreadsheet program and digits of this number are lost; "
        "export it again and upload it as it is",
    ),
    DefectCode.ID_MISSING: (
        "编号为空，请在后台核对这一行后重新导出",
        "the number is missing; check this row in the back end and export again",
    ),
    DefectCode.ID_INVALID: (
        "这不是有效的编号，请在后台核对后重新导出",
        "this is not a number of the platform; check it in the back end and export again",
    ),
    DefectCode.MONEY_INVALID: (
        "金额无法识别，请重新导出，不要手工修改金额",
        "this is not an amount in yuan; export again and do not edit amounts by hand",
    ),
    DefectCode.MONEY_MISSING: (
        "金额为空，请在后台核对后重新导出",
        "the amount is missing; check it in the back end and export again",
    ),
    DefectCode.TIME_INVALID: (
        "时间无法识别，应为 2026-11-01 10:00:00，请重新导出后直接上传",
        "this is not a time such as 2026-11-01 10:00:00; export again and upload it as it is",
    ),
    DefectCode.QUANTITY_INVALID: (
        "数量无法识别，请在后台核对后重新导出",
        "this is not a number of pieces; check it in the back end and export again",
    ),
    DefectCode.STATE_UNKNOWN: (
        "不认识这个状态，未作猜测，请联系我们补充",
        "this state is not known and was not guessed; tell us so that it can be added",
    ),
    DefectCode.STATE_MISSING: (
        "状态为空，请在后台核对后重新导出",
        "the state is missing; check it in the back end and export again",
    ),
    DefectCode.LISTS_UNEQUAL: (
        "同一行内用分号隔开的各列个数不一致，请按商品维度重新导出",
        "the lists in this row differ in length; export again by item",
    ),
    DefectCode.AMOUNTS_CONTRADICT: (
        "这一行的金额互相矛盾，请在后台核对后重新导出",
        "the amounts of this row contradict each other; check them in the back end and export again",
    ),
    DefectCode.ROWS_CONTRADICT: (
        "同一编号的两行内容不一致，请重新导出，不要合并新旧文件",
        "two rows of the same number differ; export again and do not join old and new files",
    ),
    DefectCode.ROW_SHIFTED: (
        "这一行的列数与表头不符，列可能已错位，请重新导出后直接上传",
        "this row has another number of columns than the header, so its columns may be shifted; export again",
    ),
    DefectCode.QUOTE_UNCLOSED: (
        "这一行有未闭合的引号，请重新导出后直接上传",
        "a quotation mark in this row is never closed; export again and upload it as it is",
    ),
    DefectCode.TOO_MANY_LINES: (
        "一个订单的行数过多，请核对文件是否为订单导出",
        "one order has too many rows; check that this is an order export",
    ),
    DefectCode.AMOUNTS_DOUBTFUL: (
        "实付金额与其他金额列对不上，订单已导入，兑换时转人工审核",
        "the amount paid does not fit the other amounts; the order was taken in and a claim of it is held for review",
    ),
}


class Defect(NamedTuple):
    """
    One row that was set aside, or (AMOUNTS_DOUBTFUL) taken in with a doubt.

    Args:
        row: Counted from 1 as a spreadsheet shows it, the header included.
        column: The column's name as the file spells it; empty when the whole row is meant.
        value: The value, shortened and masked.
        code: What is wrong.
        key: The order (or after-sale case) the row belongs to, set aside with all its rows; None when the row does
            not tell.
    """

    row: int
    column: str
    value: str
    code: DefectCode
    key: str | None = None

    def sentence(self, language: Literal["zh", "en"]) -> str:
        """Say in Chinese or English what is wrong and what to do."""
        zh, en = _SENTENCES[self.code]
        left_out = self.code is not DefectCode.AMOUNTS_DOUBTFUL
        if language == "zh":
            place = f"第 {self.row} 行" + (f"「{self.column}」" if self.column else "")
            order = f"（编号 {self.key}{' 整单未导入' if left_out else ''}）" if self.key else ""
            return f"{place}：{zh}{order}"
        place = f"Row {self.row}" + (f", column {self.column}" if self.column else "")
        order = f" (number {self.key}{' was left out as a whole' if left_out else ''})" if self.key else ""
        return f"{place}: {en}{order}"


def masked(value: str, *, is_word: bool = False) -> str:
    """
    Show a cell without giving away a person.

    Args:
        value: The cell; columns may have shifted, so a phone or a name can stand anywhere.
        is_word: It comes from a column of fixed words, of which 12 characters are shown.

    Returns:
        One line of at most 24 characters; long digit runs keep three at the front and two at the end, letters of a
        cell that should hold none keep the first.
    """
    text = "".join(c if c.isprintable() else " " for c in value[: 4 * _SHOWN_CHARACTERS]).strip()
    if _SCIENTIFIC.fullmatch(text) and not _LONG_DIGITS.search(text):
        return text[:_SHOWN_CHARACTERS]
    text = _LONG_DIGITS.sub(lambda run: f"{run[0][:3]}***{run[0][-2:]}", text)
    if is_word:
        return text if len(text) <= 12 else text[:11] + "…"
    text = text[:1] + "".join("*" if c.isalpha() else c for c in text[1:])
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…"
