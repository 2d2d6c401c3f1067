"""Words of a merchant's memo become flags."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from crossloyalty.adapters.wire.memo import flags_in, memo_words
from crossloyalty.errors import InvalidInput, WrongType


@attrs.frozen
class Words:
    """Something with memo words."""

    flags: Any = attrs.field(validator=memo_words)


@pytest.mark.parametrize("bad", [None, [], "刷单", {1: "brushing"}, {"刷单": 1}])
def test_words_of_the_wrong_type_are_refused(bad: object) -> None:
    """Anything but a mapping of texts is a mistake of the caller."""
    with pytest.raises(WrongType):
        Words(bad)


@pytest.mark.parametrize("bad", [{"": "brushing"}, {"刷单": ""}])
def test_an_empty_word_is_refused(bad: object) -> None:
    """An empty word would stand in every memo."""
    with pytest.raises(InvalidInput):
        Words(bad)


def test_words_are_found_wherever_they_stand() -> None:
    """Each word that stands in the memo sets its flag; what is no text sets none."""
    words = {"刷单": "brushing", "补单": "brushing", "员工": "staff"}
    assert flags_in("王五刷单，员工", words) == {"brushing", "staff"}
    assert flags_in("好评", words) == flags_in(None, words) == flags_in(5, words) == set()
