"""Which columns a file has, and by their names which export it is; never by position."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

import attrs

from crossloyalty.domain.orders import Order, Refund
from crossloyalty.errors import UnreadableFile

if TYPE_CHECKING:
    from crossloyalty.adapters.exports.rows import OrderRow

__all__ = ["SEARCHED_ROWS", "Built", "Column", "Header", "Layout", "Split", "matching", "normal_name"]

SEARCHED_ROWS: Final = 20
_REMOVED: Final = dict.fromkeys(map(ord, " \t\r\n\x0b\x0c\xa0\u3000\ufeff\u200b\u200c\u200d"), None)
_RENAMED: Final = str.maketrans({"（": "(", "）": ")", "帐": "账"} | dict.fromkeys(_REMOVED))


def normal_name(name: str) -> str:
    """
    Bring a column name into the form in which names are compared.

    Args:
        name: As the file spells it: Taobao ships trailing blanks, Xiaohongshu mixed brackets, JD 帐 for 账.

    Returns:
        Without blanks of any kind or invisible characters, half-width brackets, case folded.
    """
    return name.translate(_RENAMED).casefold()


class Column(NamedTuple):
    """
    A fact a layout reads.

    Args:
        field: What the layout calls it.
        names: The names exports gave it over the years, the preferred one first.
        form: `id`, `time`, `note`, `person` or `other`. Times tell whether a spreadsheet has saved the file; of a note
            only what is read of it is kept, since people write phone numbers and addresses there; what names a person
            is never written back when it is a phone number.
        wanted: A file without it tells less than others; False for columns that only some files have.
    """

    field: str
    names: tuple[str, ...]
    form: str = "other"
    wanted: bool = True


class Split(NamedTuple):
    """An order number that became others when the platform split the order."""

    parent: str
    children: tuple[str, ...]


class Built(NamedTuple):
    """
    What the rows of one key came to.

    Args:
        values: The order, or the refunds; none when the rows are about something else.
        refund_unknown: The rows show a finished refund whose amount they do not tell.
        received_fen: What the merchant receives according to the file; None when it does not say.
        doubt: A row and the field of it that does not fit the other amounts. The order states amounts that do not add
            up, so that a claim is held for review.
        split: A link between numbers that the rows tell.
        day_from_number: The day the order was placed comes from its number alone.
    """

    values: tuple[Order | Refund, ...]
    refund_unknown: bool = False
    received_fen: int | None = None
    doubt: tuple[OrderRow, str] | None = None
    split: Split | None = None
    day_from_number: bool = False


@attrs.frozen
class Layout:
    """
    One kind of export file.

    Args:
        name: For the report, such as `taobao-orders`.
        platforms: Who ships it; the first is the one taken when the caller names none.
        need: Names that must all be there; several sets when there are several generations of the file.
        never: Names whose presence says it is another kind of file.
        columns: What is read of it, wanted ones included.
        key: The field whose value binds rows together.
        build: Makes values of the rows of one key.
        several_rows: A key may have several rows.
        refund_amounts: The field that holds a refunded amount; None when this kind of file never tells.
        received: The field that holds what the merchant receives; None when this kind of file never tells.
        note: What is kept of a cell of a note.
        children: The numbers an order was split into, out of what is kept of its note.
        refused: Why this kind cannot be read, in English and Chinese; None for a readable one.
    """

    name: str
    platforms: tuple[str, ...]
    need: tuple[tuple[str, ...], ...]
    columns: tuple[Column, ...]
    key: str
    build: Callable[[Sequence[OrderRow]], Built]
    never: tuple[str, ...] = ()
    several_rows: bool = False
    refund_amounts: str | None = None
    received: str | None = None
    note: Callable[[str], str] | None = None
    children: Callable[[str], tuple[str, ...]] | None = None
    refused: tuple[str, str] | None = None

    def fits(self, names: frozenset[str]) -> bool:
        """Say whether these normal names make this kind of file."""
        return names.isdisjoint(map(normal_name, self.never)) and any(
            names.issuperset(map(normal_name, need)) for need in self.need
        )


@attrs.frozen
class Header:
    """
    The header of one file, matched with its layout.

    Args:
        layout: The kind of file.
        row: Its row number, from 1.
        cells: As they stand in the file.
        width: How many cells it has.
        index: Where each field found stands; absent fields are missing here.
        spelled: The file's own name of each field found.
        used, ignored, missing: Columns by the file's own names (missing: by the layout's preferred names).
        doubled: Names that stand more than once; the first column counts.
    """

    layout: Layout
    row: int
    cells: tuple[str, ...]
    width: int
    index: dict[str, int]
    spelled: dict[str, str]
    used: tuple[str, ...]
    ignored: tuple[str, ...]
    missing: tuple[str, ...]
    doubled: tuple[str, ...]

    @classmethod
    def of(cls, layout: Layout, row: int, cells: Sequence[str]) -> Header:
        """Match the cells of a header row with the columns of a layout."""
        places: dict[str, int] = {}
        doubled: list[str] = []
        width = len(cells)
        while width and not normal_name(cells[width - 1]):
            width -= 1
        for place, cell in enumerate(cells):
            name = normal_name(cell)
            if name in places:
                doubled.append(cell.strip())
            elif name:
                places[name] = place
        index: dict[str, int] = {}
        missing: list[str] = []
        for column in layout.columns:
            found = next((places[n] for n in map(normal_name, column.names) if n in places), None)
            if found is None and column.wanted:
                missing.append(column.names[0])
            elif found is not None:
                index[column.field] = found
        taken = set(index.values())
        return cls(
            layout=layout,
            row=row,
            cells=tuple(cells),
            width=width,
            index=index,
            spelled={field: cells[place].strip() for field, place in index.items()},
            used=tuple(cells[place].strip() for place in sorted(taken)),
            ignored=tuple(c.strip() for place, c in enumerate(cells) if place not in taken and normal_name(c)),
            missing=tuple(missing),
            doubled=tuple(doubled),
        )


def matching(layouts: Iterable[Layout], cells: Sequence[str]) -> Layout | None:
    """
    Find the kind of file a row is the header of.

    Args:
        layouts: The kinds known.
        cells: One of the first rows.

    Returns:
        The one layout, or None when this row is no header.

    Raises:
        UnreadableFile: Two kinds fit: the merchant has to say which, it is never guessed.
    """
    names = frozenset(map(normal_name, cells))
    found = [layout for layout in layouts if layout.fits(names)]
    if len(found) > 1:
        both = ", ".join(layout.name for layout in found)
        raise UnreadableFile(
            f"the columns fit more than one kind of export ({both}); name the platform",
            sentence_zh="表头同时符合多个平台的导出格式，请指明平台",
        )
    return found[0] if found else None
