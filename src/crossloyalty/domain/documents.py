"""Programs as JSON documents: strict both ways, a round trip gives an equal value."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import cache
from types import GenericAlias
from typing import Any, NoReturn, get_args

import attrs
from cattrs import Converter
from cattrs.errors import (
    AttributeValidationNote,
    BaseValidationError,
    ForbiddenExtraKeysError,
    IterableValidationNote,
)
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override
from cattrs.strategies import configure_tagged_union

from crossloyalty.domain import rules
from crossloyalty.domain.program import Program
from crossloyalty.errors import CrossloyaltyError, InvalidInput, WrongType, shown

__all__ = ["program_from_json", "program_to_json"]

_LONGEST_DOCUMENT = 1_000_000


@cache
def _converter() -> Converter:
    converter = Converter(forbid_extra_keys=True, detailed_validation=True)

    def text(value: Any, _: Any) -> str:
        if not isinstance(value, str):
            raise InvalidInput(f"text is needed, not {shown(value)}")
        return value

    def whole(value: Any, _: Any) -> int:
        if type(value) is not int:
            raise InvalidInput(f"a whole number is needed, not {shown(value)}")
        return value

    def many(kind: Any) -> Any:
        items: Any = GenericAlias(list, get_args(kind)[:1])
        plain = converter.get_structure_hook(items)

        def listed(value: Any, _: Any) -> tuple[Any, ...]:
            if not isinstance(value, list):
                raise InvalidInput(f"a list is needed, not {shown(value)}")
            return tuple(plain(value, items))

        return listed

    converter.register_structure_hook_factory(lambda kind: getattr(kind, "__origin__", None) is tuple, many)

    def plain(kind: Any) -> Any:
        """Write an object; a field younger than the first documents is left out while it stands at its default."""
        younger = {field.name: override(omit_if_default=True) for field in attrs.fields(kind) if field.metadata}
        return make_dict_unstructure_fn(kind, converter, **younger)  # type: ignore[arg-type]

    def flag(value: Any, _: Any) -> bool:
        if type(value) is not bool:
            raise InvalidInput(f"true or false is needed, not {shown(value)}")
        return value

    converter.register_structure_hook(str, text)
    converter.register_structure_hook(bool, flag)
    converter.register_structure_hook(int, whole)
    converter.register_structure_hook(datetime, lambda value, _: _time(value))
    converter.register_unstructure_hook(datetime, lambda value: value.astimezone(UTC).isoformat())
    converter.register_unstructure_hook_factory(attrs.has, plain)
    for kind in rules.Reward.__args__:
        converter.register_unstructure_hook(kind, plain(kind))
        converter.register_structure_hook(kind, make_dict_structure_fn(kind, converter, _cattrs_forbid_extra_keys=True))
    configure_tagged_union(rules.Reward, converter, tag_name="rule")
    _tell_tiers_apart(converter)
    return converter


def _tell_tiers_apart(converter: Converter) -> None:
    """Tiers by growth value bear the name of their rule; those by spend came first and bear none."""
    spend = converter.get_structure_hook(rules.SpendTiers)
    growth = converter.get_structure_hook(rules.GrowthTiers)
    plain = converter.get_unstructure_hook(rules.GrowthTiers)

    def read(value: Any, _: Any) -> rules.Tiers | None:
        if value is None:
            return None
        if not isinstance(value, dict) or "rule" not in value:
            tiers: rules.Tiers = spend(value, rules.SpendTiers)
            return tiers
        rest = {name: each for name, each in value.items() if name != "rule"}
        if value["rule"] != "GrowthTiers":
            raise InvalidInput(f"there is no rule {shown(value['rule'])} for tiers")
        tiers = growth(rest, rules.GrowthTiers)
        return tiers

    converter.register_structure_hook(rules.Tiers | None, read)
    converter.register_unstructure_hook(rules.GrowthTiers, lambda tiers: {"rule": "GrowthTiers", **plain(tiers)})
    converter.register_unstructure_hook(rules.Tiers | None, lambda tiers: converter.unstructure(tiers, type(tiers)))


def program_to_json(program: Program) -> str:
    """Give the canonical document: sorted keys, no blanks, so equal programs give equal texts."""
    document = _converter().unstructure(program)
    if program.starts_at is not None:
        document["starts_at"] = program.starts_at.astimezone(UTC).isoformat()
    document["rewards"] = [_converter().unstructure(reward, unstructure_as=rules.Reward) for reward in program.rewards]
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def program_from_json(text: str | bytes) -> Program:
    """
    Read a document.

    Args:
        text: JSON; floats, NaN, doubled keys and unknown fields are refused.

    Raises:
        InvalidInput: The message names the field.
    """
    if not isinstance(text, str | bytes):
        raise WrongType(f"a document is text or bytes, not {type(text).__name__}: {shown(text)}")
    if len(text) > _LONGEST_DOCUMENT:
        raise InvalidInput("the document is too long for a program")
    try:
        document = json.loads(text, parse_float=_no_float, parse_constant=_no_float, object_pairs_hook=_no_doubled_keys)
    except CrossloyaltyError:
        raise
    except (ValueError, RecursionError) as error:
        raise InvalidInput("the program is no JSON document") from error
    if not isinstance(document, dict):
        raise InvalidInput("a program is a JSON object")
    starts_at = document.pop("starts_at", None)
    try:
        program = _converter().structure(document, Program)
        if starts_at is not None:
            program = attrs.evolve(program, starts_at=_time(starts_at))
    except CrossloyaltyError:
        raise
    except (BaseValidationError, ForbiddenExtraKeysError, ValueError, TypeError, KeyError, AttributeError) as error:
        path, message = _told(error)
        where = f" at {shown(path)}" if path else ""
        # Without the cause, whose traceback would print the offending part in full.
        raise InvalidInput(f"the program document is wrong{where}: {message}") from None
    return program


def _time(value: Any) -> datetime:
    try:
        return datetime.fromisoformat(value)
    except (TypeError, ValueError):
        example = "2026-11-01T00:00:00+08:00"
        raise InvalidInput(f"a time has an offset, such as {example}: {shown(value)}") from None


def _told(error: BaseException) -> tuple[str, str]:
    """Give the path to the first leaf of a tree of validation errors, such as `rewards[0].rate`, and what it says."""
    path, last = "", ""
    while True:
        for note in getattr(error, "__notes__", ()):
            if isinstance(note, AttributeValidationNote):
                path, last = f"{path}.{note.name}", note.name
            elif isinstance(note, IterableValidationNote):
                path += f"[{note.index}]" if isinstance(note.index, int) else f".{note.index}"
        if not isinstance(error, BaseExceptionGroup):
            return path.removeprefix("."), _said(error, last)
        error = error.exceptions[0]


def _said(error: BaseException, last: str) -> str:
    """Say what is wrong at a place whose last step has a name, in our words where the error has none for a person."""
    if isinstance(error, CrossloyaltyError):
        return str(error)
    if isinstance(error, KeyError):
        key = error.args[0]
        return f"{key} is missing" if key in (last, "rule") else f"there is no rule {shown(key)}"
    if isinstance(error, AttributeError):
        return "an object is needed"
    if isinstance(error, TypeError):
        return "something of another type is needed"
    return shown(str(error))


def _no_float(text: str) -> NoReturn:
    raise InvalidInput(f"a document holds rates as text and amounts as whole numbers, not {shown(text)}")


def _no_doubled_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) < len(pairs):
        raise InvalidInput("a key stands twice in one object of the document")
    return document
