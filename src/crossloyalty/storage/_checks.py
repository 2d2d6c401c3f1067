"""
What may be stored: text without NUL and lone surrogates, integers of 64 bits, never a bool or a float.

Databases differ in what they bend silently (`True` to 1, 5 to '5', text cut at NUL), so every storage asks here first.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from itertools import chain
from typing import Any, Final, TypeAlias

from crossloyalty.application.ports import Scan
from crossloyalty.domain.records import Key, Record
from crossloyalty.errors import InvalidInput, WrongType, shown
from crossloyalty.storage._shape import SHAPES, Column, Shape, picker

__all__ = ["INT_MAX", "INT_MIN", "check_key", "check_record", "check_scan", "check_values", "quick_check", "quick_one"]

INT_MAX: Final = 2**63 - 1
INT_MIN: Final = -(2**63)


def check_values(shape: Shape, names: tuple[str, ...], values: tuple[object, ...]) -> None:
    """
    Refuse values which these columns cannot hold.

    Raises:
        WrongType: Not the column's type.
        InvalidInput: Text with NUL or a lone surrogate, or an integer beyond 64 bits.
    """
    by_name = {column.name: column for column in shape.columns}
    for name, value in zip(names, values, strict=False):
        _check(shape, by_name[name], value)


def check_record(record: Record) -> None:
    """
    Refuse a record which its table cannot hold.

    Raises:
        WrongType: A value is not of its column's type.
        InvalidInput: Text with NUL or a lone surrogate, or an integer beyond 64 bits.
    """
    shape = _shape_of(type(record))
    for column, value in zip(shape.columns, record, strict=True):
        _check(shape, column, value)


def check_key(key: Key) -> None:
    """
    Refuse a key of the wrong length or of values its columns cannot hold.

    Raises:
        InvalidInput: See `check_record`.
    """
    shape = _shape_of(key.kind)
    if len(key.values) != len(shape.key):
        raise InvalidInput(f"a key of {shape.table} has {len(shape.key)} values, not {len(key.values)}")
    for column, value in zip(shape.columns, key.values, strict=False):
        _check(shape, column, value)


def check_scan(scan: Scan) -> tuple[str, ...]:
    """
    Refuse a scan that names no index or does not fit it.

    Returns:
        The fields its rows are ordered by: the index's, then the key's that the index lacks.

    Raises:
        InvalidInput: No such index, a prefix too long, bounds without a field, a limit below zero,
            an `after` that is not a full position inside the prefix.
    """
    shape = _shape_of(scan.kind)
    order = shape.orders.get(scan.by)
    if order is None:
        raise InvalidInput(f"{shape.table} has no index {shown(scan.by)}")
    taken = len(scan.prefix)
    if taken > len(order):
        raise InvalidInput(f"the prefix is longer than the index {shown(scan.by)} of {shape.table}")
    bounds = tuple(bound for bound in (scan.low, scan.high) if bound is not None)
    if bounds and taken == len(order):
        raise InvalidInput(f"no field is left behind the prefix for bounds on {shape.table}")
    if scan.limit is not None and (type(scan.limit) is not int or not 0 <= scan.limit <= INT_MAX):
        raise InvalidInput(f"a limit is an integer of at least 0, not {shown(scan.limit)}")
    if scan.after is not None:
        if len(scan.after) != len(order) or scan.after[:taken] != scan.prefix:
            raise InvalidInput(f"`after` must give {', '.join(order)} of a row inside the prefix")
        check_values(shape, order, scan.after)
    check_values(shape, order, scan.prefix)
    for bound in bounds:
        check_values(shape, order[taken : taken + 1], (bound,))
    return order


def _shape_of(kind: type[Record]) -> Shape:
    shape = SHAPES.get(kind)
    if shape is None:
        raise WrongType(f"{shown(kind)} is not a record class")
    return shape


def _check(shape: Shape, column: Column, value: object) -> None:
    if value is None and column.nullable:
        return
    where = f"{shape.table}.{column.name}"
    if column.is_text:
        if not isinstance(value, str):
            raise WrongType(f"{where} is text, not {shown(value)}")
        if "\0" in value:
            raise InvalidInput(f"{where} must not contain NUL: {shown(value)}")
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise InvalidInput(f"{where} must not contain a lone surrogate: {shown(value)}") from error
    elif type(value) is not int:
        raise WrongType(f"{where} is an integer, not {shown(value)}")
    elif not INT_MIN <= value <= INT_MAX:
        raise InvalidInput(f"{where} has 64 bits: {shown(value)}")


def quick_check(columns: tuple[Column, ...]) -> Callable[[Collection[tuple[Any, ...]]], bool]:
    """
    Give a check of rows with these columns that runs no loop in Python.

    Returns:
        A function that says whether all of some rows are fine; when one is not, the slow checks above say why. Lone
        surrogates and integers beyond 64 bits are refused by every driver, so it does not look for them.
    """
    lengths = {len(columns)}
    texts, numbers, maybes = _parts(columns)
    join, flat = "".join, chain.from_iterable

    def only_text(rows: Collection[tuple[Any, ...]]) -> bool:
        try:
            return "\0" not in join(flat(rows)) and lengths.issuperset(map(len, rows))
        except TypeError:  # something is not text
            return False

    def mixed(rows: Collection[tuple[Any, ...]]) -> bool:
        try:
            return (
                "\0" not in join(flat(map(texts, rows)))
                and _INTEGER(map(type, flat(map(numbers, rows))))
                and lengths.issuperset(map(len, rows))
                and all(fits(list(flat(map(pick, rows)))) for pick, fits in maybes)
            )
        except (TypeError, IndexError):  # something is not text, or a row is too short
            return False

    return only_text if _are_texts_only(columns) else mixed


def quick_one(columns: tuple[Column, ...]) -> Callable[[tuple[Any, ...]], bool]:
    """Give the check of `quick_check` for one row or key."""
    length = len(columns)
    texts, numbers, maybes = _parts(columns)
    join = "".join

    def only_text(row: tuple[Any, ...]) -> bool:
        try:
            return "\0" not in join(row) and len(row) == length
        except TypeError:
            return False

    def mixed(row: tuple[Any, ...]) -> bool:
        try:
            if "\0" in join(texts(row)) or len(row) != length or not _INTEGER(map(type, numbers(row))):
                return False
            for pick, fits in maybes:
                if not fits(pick(row)):
                    return False
        except (TypeError, IndexError):
            return False
        return True

    return only_text if _are_texts_only(columns) else mixed


_Pick: TypeAlias = Callable[[Any], tuple[Any, ...]]
_Fits: TypeAlias = Callable[[Collection[Any]], bool]
_INTEGER: Final = frozenset({int}).issuperset
_INTEGER_OR_NOTHING: Final = frozenset({int, type(None)}).issuperset
_TEXT_OR_NOTHING: Final = frozenset({str, type(None)}).issuperset


def _are_texts_only(columns: tuple[Column, ...]) -> bool:
    return all(column.is_text and not column.nullable for column in columns)


def _parts(columns: tuple[Column, ...]) -> tuple[_Pick, _Pick, tuple[tuple[_Pick, _Fits], ...]]:
    """Give what picks the texts and the integers that are always there; and what may be absent, each with its check."""

    def places(*, is_text: bool, nullable: bool) -> list[int]:
        return [at for at, column in enumerate(columns) if column[1:] == (is_text, nullable)]

    maybes: list[tuple[_Pick, _Fits]] = []
    for is_text, fits in ((False, _are_integers), (True, _are_texts)):
        if absent := places(is_text=is_text, nullable=True):
            maybes.append((picker(absent), fits))
    texts, numbers = (picker(places(is_text=is_text, nullable=False)) for is_text in (True, False))
    return texts, numbers, tuple(maybes)


def _are_integers(values: Collection[Any]) -> bool:
    return _INTEGER_OR_NOTHING(map(type, values))


def _are_texts(values: Collection[Any]) -> bool:
    return _TEXT_OR_NOTHING(map(type, values)) and "\0" not in "".join(filter(None, values))
