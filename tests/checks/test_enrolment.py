"""S1-1 … S1-4, S2-6: enrolled once for a person, on this side and on others."""

from __future__ import annotations

from typing import Any

import pytest
from builders import Clock, assert_sound, event_kinds, order, points_program

from crossloyalty import EnrolmentAnswer, Identity, Loyalty, rules
from crossloyalty.application.ports import Storage
from crossloyalty.errors import ConfigError, InvalidInput, WrongType
from crossloyalty.testing import dump

UNION, OPEN, CORP = (
    Identity("unionid", "o6"),
    Identity("openid", "o-1", "wx"),
    Identity("external_userid", "wm", "corp"),
)


@pytest.fixture
def loyalty(storage: Storage, clock: Clock) -> Loyalty:
    gift = rules.EnrolGift("hello", rules.PointsFixed(50))
    return Loyalty(points_program(enrol_gifts=[gift]), storage, clock=clock)


def test_s1_1_who_is_known_by_any_identity_is_the_same_person(loyalty: Loyalty) -> None:
    """Two openings of the door with one unionid are one member with one newcomer gift, and both identities."""
    first = loyalty.enrol("m1", identities=[UNION, OPEN])
    assert (first.created, first.member_id, first.bound) == (True, "m1", (UNION, OPEN))
    again = loyalty.enrol("m2", identities=[UNION, CORP])
    assert (again.created, again.member_id, again.bound, again.conflicts) == (False, "m1", (CORP,), ())
    assert (loyalty.member("m1").points, loyalty.member("m2").points) == (50, 0)
    assert len(loyalty.identities("m1").items) == 3
    assert event_kinds(loyalty, "member.enrolled") == ["member.enrolled"]
    assert_sound(loyalty)


def test_s1_1_the_strongest_identity_decides(loyalty: Loyalty) -> None:
    """Where two identities lead to two members, the unionid wins in any order; the other is told as a conflict."""
    loyalty.bind("m1", platform="external_userid", buyer_id="wm", scope="corp")
    loyalty.bind("m2", platform="unionid", buyer_id="o6")
    for named in ([CORP, UNION], [UNION, CORP]):
        result = loyalty.enrol("m3", identities=named)
        assert (result.member_id, result.conflicts) == ("m2", (CORP,))
    assert "m3" not in {row.member_id for row in dump(loyalty._runner._storage)["members"]}
    assert_sound(loyalty)


def test_s1_4_an_identity_somebody_gave_up_is_not_taken_by_enrolling(loyalty: Loyalty) -> None:
    """Cool-down and history are `bind`'s to judge; the enrolment itself stands."""
    loyalty.bind("m1", platform="unionid", buyer_id="o6")
    loyalty.unbind("m1", platform="unionid", buyer_id="o6")
    result = loyalty.enrol("m2", identities=[UNION])
    assert (result.created, result.member_id, result.bound, result.conflicts) == (True, "m2", (), (UNION,))


class Youzan:
    """The other side: keeps who is enrolled by key, fails as told, and notes how often it was asked."""

    def __init__(self, *fails: str, refuses: str = "") -> None:
        self.fails = list(fails)
        self.refuses = refuses
        self.there: dict[str, str] = {}
        self.asked: list[tuple[str, int]] = []

    def enrol(self, *, member_id: str, identities: Any, key: str) -> EnrolmentAnswer:
        self.asked.append((member_id, len(identities)))
        if member_id == self.refuses:
            return EnrolmentAnswer(refused="no phone")
        self.there.setdefault(key, f"yz-{member_id}")
        if member_id in self.fails:
            self.fails.remove(member_id)
            raise ConnectionError("lost the answer")
        return EnrolmentAnswer(identity=Identity("yz_open_id", self.there[key]))


def test_s1_2_the_other_side_is_resumed_after_failures(loyalty: Loyalty, storage: Storage) -> None:
    """A lost answer keeps nobody waiting and is asked for again under its key; each side has a state."""
    for member in ("m1", "m2", "m3"):
        assert loyalty.enrol(member, identities=[UNION] if member == "m1" else [], sides=["youzan"]).sides == {
            "youzan": "PENDING"
        }
    youzan = Youzan("m1", refuses="m3")
    report = loyalty.run_enrolments(youzan, side="youzan")
    assert (report.done, report.refused, report.failed) == (1, 1, 1)
    assert loyalty.enrol("m1", sides=["youzan"]).sides == {"youzan": "PENDING"}
    report = loyalty.run_enrolments(youzan, side="youzan")
    assert (report.done, report.refused, report.failed) == (1, 0, 0)
    assert youzan.asked == [("m1", 1), ("m2", 0), ("m3", 0), ("m1", 1)]
    assert len(youzan.there) == 2
    states = {row.member_id: (row.state, row.attempt_no, row.external_id) for row in dump(storage)["enrolments"]}
    assert states == {"m1": ("DONE", 2, "yz-m1"), "m2": ("DONE", 1, "yz-m2"), "m3": ("REFUSED", 1, "")}
    assert loyalty.run_enrolments(youzan, side="youzan").done == 0
    # What it is called there is its identity here: an order of that shop converts.
    assert loyalty.ingest([order("E123456789012345678", "youzan", buyer_id="yz-m1")]).claims_created == 1
    assert loyalty.member("m1").points == 150
    assert_sound(loyalty)


def test_s1_2_gateways_are_looked_at_first(loyalty: Loyalty) -> None:
    """No gateway, an asynchronous one, too many identities and values that are none are errors."""

    class Later:
        async def enrol(self, **_: Any) -> EnrolmentAnswer:
            return EnrolmentAnswer()

    with pytest.raises(WrongType):
        loyalty.run_enrolments(object(), side="youzan")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="asynchronous"):
        loyalty.run_enrolments(Later(), side="youzan")  # type: ignore[arg-type]
    with pytest.raises(InvalidInput):
        loyalty.enrol("m1", identities=[Identity("x_id", str(n)) for n in range(21)])
    with pytest.raises(WrongType):
        loyalty.enrol("m1", identities=["o6"])  # type: ignore[list-item]


def test_d5_members_that_became_one_are_enrolled_there_once(loyalty: Loyalty) -> None:
    """The sides of both are those of the survivor; who waits under the other id is not enrolled a second time."""
    other_side = Youzan()
    loyalty.enrol("m1", sides=["youzan"])
    loyalty.enrol("m2", sides=["youzan", "jd"])
    loyalty.run_enrolments(other_side, side="jd")
    loyalty.merge("m1", "m2", key="k1")
    assert loyalty.enrol("m1", sides=["youzan", "jd"]).sides == {"youzan": "PENDING", "jd": "DONE"}
    assert loyalty.run_enrolments(other_side, side="youzan").done == 1
    assert loyalty.run_enrolments(other_side, side="youzan").done == 0
    assert loyalty.enrol("m2", sides=["youzan"]).sides == {"youzan": "DONE"}
    loyalty.unmerge("m2", key="k2")
    assert loyalty.enrol("m1", sides=["youzan"]).sides == {"youzan": "DONE"}
    assert loyalty.enrol("m2", sides=["youzan", "jd"]).sides == {"youzan": "PENDING", "jd": "DONE"}
    assert loyalty.run_enrolments(other_side, side="youzan").done == 1
    assert_sound(loyalty)
