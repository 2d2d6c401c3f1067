"""
The XML of pushed messages as plain values, read with a parser that knows no document types.

A document type is what entity attacks are made of; no message has one, so one is refused as soon as it begins.
"""

from __future__ import annotations

from typing import Any, Final
from xml.parsers import expat

from crossloyalty.errors import ForgedMessage

__all__ = ["read_xml"]

_DEEPEST: Final = 16


def read_xml(body: bytes) -> dict[str, Any]:
    """
    Read `<xml><Name>text</Name>…</xml>` as a dictionary.

    Args:
        body: UTF-8. Elements with children become dictionaries; of elements that come twice the last counts.

    Returns:
        Texts as `str`; numbers are texts, too, because XML does not tell them apart.

    Raises:
        ForgedMessage: It is no XML, has a document type, is nested too deep, or is no UTF-8.
    """
    stack: list[dict[str, Any]] = [{}]
    names: list[str] = []
    texts: list[list[str]] = [[]]

    def started(name: str, _: dict[str, str]) -> None:
        if len(names) >= _DEEPEST:
            raise _Refused
        names.append(name)
        stack.append({})
        texts.append([])

    def ended(_: str) -> None:
        children, text = stack.pop(), "".join(texts.pop())
        stack[-1][names.pop()] = children or text

    def written(data: str) -> None:
        texts[-1].append(data)

    def refuse(*_: Any) -> Any:
        raise _Refused

    try:
        text = body.decode("utf-8-sig")
        parser = expat.ParserCreate("utf-8")
        parser.StartElementHandler = started
        parser.EndElementHandler = ended
        parser.CharacterDataHandler = written
        parser.StartDoctypeDeclHandler = refuse
        parser.EntityDeclHandler = refuse
        parser.ExternalEntityRefHandler = refuse
        parser.Parse(text.encode(), True)
    except (expat.ExpatError, UnicodeDecodeError, _Refused):
        raise ForgedMessage("the message is no XML text as its page describes it") from None
    (root,) = stack[0].values()
    if not isinstance(root, dict):
        raise ForgedMessage("the message is no XML text as its page describes it")
    return root


class _Refused(Exception):
    """The text has something no message has."""
