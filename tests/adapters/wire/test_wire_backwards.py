"""Pages turned from the last to the first lose nothing while rows change."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossloyalty.adapters.wire.backwards import FirstPage, Place, following, known_total, place_of
from crossloyalty.adapters.wire.reading import Unreadable
from crossloyalty.errors import InvalidInput


def test_a_window_of_one_page_is_read_at_once() -> None:
    """0, 1 and a full page need no second call; one row more needs page 2, then page 1 again."""
    for total in (0, 1, 40):
        assert following(None, total, 40) is None
    assert following(None, 41, 40) == "2.41.0"
    assert following(place_of("2.41.0"), None, 40) == "1.41.0"
    assert following(place_of("1.41.0"), 41, 40) is None


def test_a_window_that_grew_is_read_again_but_not_for_ever() -> None:
    """One row more at the end of a round begins another; after three rounds the next window's overlap has to do."""
    assert following(Place(1, 41, 0), 42, 40) == "2.42.1"
    assert following(Place(1, 42, 2), 43, 40) == "2.43.3"
    assert following(Place(1, 43, 3), 99, 40) is None
    assert following(Place(1, 41, 0), 40, 40) is None


@pytest.mark.parametrize("text", ["", "1", "0.5.0", "1.2.x", "1.2.3.4", "-1.2.3", "1.2.٣"])
def test_a_place_that_is_none_is_refused(text: str) -> None:
    """Only what was given out is taken back."""
    with pytest.raises(InvalidInput):
        place_of(text)


def test_places_are_text() -> None:
    """A stored place comes back as it was; nothing is the beginning."""
    assert place_of(str(Place(3, 120, 1))) == Place(3, 120, 1)
    assert place_of(None) is None


def test_a_full_first_page_has_to_say_how_many_rows_there_are() -> None:
    """Without the number the pages behind it would be lost; a short page is all there is."""
    assert known_total(None, 39, 40, None) == 39
    assert known_total(7, 39, 40, None) == 39
    assert known_total(100, 40, 40, None) == 100
    assert known_total(None, 40, 40, Place(2, 80, 0)) is None
    for stated in (None, 39):
        for place in (None, Place(1, 80, 0)):
            with pytest.raises(Unreadable):
                known_total(stated, 40, 40, place)


def read(rows: list[int], size: int, change: Callable[[Place], None]) -> set[int]:
    """Read a window whose rows change between two pages."""
    seen: set[int] = set()
    place: Place | None = None
    for _ in range(300):
        number = 1 if place is None else place.page
        seen |= set(rows[(number - 1) * size : number * size])
        place = place_of(following(place, len(rows), size))
        if place is None:
            return seen
        change(place)
    raise AssertionError("the pages never end")


@given(st.integers(0, 40), st.integers(1, 7), st.data())
def test_rows_that_leave_hide_no_other_row(count: int, size: int, data: st.DataObject) -> None:
    """Whatever rows leave the window between two pages, every row that stayed is seen."""
    rows = list(range(count))

    def leave(_: Place) -> None:
        for _ in range(data.draw(st.integers(0, 3))):
            if rows:
                rows.pop(data.draw(st.integers(0, len(rows) - 1)))

    seen = read(rows, size, leave)
    assert set(rows) <= seen


@given(st.integers(8, 40), st.integers(1, 7), st.data())
def test_rows_that_come_in_are_seen_by_another_round(count: int, size: int, data: st.DataObject) -> None:
    """Rows that come in while a window of several pages is read make it be read again, and then nothing is missed."""
    rows = list(range(count))

    def come(place: Place) -> None:
        if place.rounds < 2 and data.draw(st.booleans()):
            rows.insert(data.draw(st.integers(0, len(rows))), len(rows))

    assert read(rows, size, come) == set(rows)


def test_rows_that_come_again_as_they_were_are_what_they_were_read_as() -> None:
    """Page 1 of three comes again as the last: the same rows give the same objects, others have to be read."""
    said: FirstPage[list[str]] = FirstPage("tid")
    rows = [{"tid": "1", "fen": 5}, {"tid": 2, "fen": 6}, "no object"]
    read = [["first"], ["second"], ["third"]]
    said.keep("window", None, "3.9.0", zip(rows, read, strict=True))
    said.keep("window", Place(3, 9, 0), "2.9.0", [({"tid": "7"}, ["seventh"])])
    assert said.known("window", {"tid": "1", "fen": 5}) is read[0]
    assert said.known("window", {"tid": 2, "fen": 6}) is read[1]
    for other in ({"tid": "1", "fen": 6}, {"tid": "7"}, {"tid": [1]}, {"fen": 5}, "nothing", None):
        assert said.known("window", other) is None
    assert said.known("another window", rows[0]) is None


def test_rows_are_let_go_when_their_window_has_been_read() -> None:
    """Behind the last page nothing is kept, and nothing of a window of one page."""
    said: FirstPage[str] = FirstPage("tid")
    row = {"tid": "1"}
    said.keep("window", None, "2.3.0", [(row, "read")])
    said.keep("window", Place(1, 3, 0), None, [])
    assert said.known("window", row) is None
    said.keep("window", None, None, [(row, "read")])
    assert said.known("window", row) is None
