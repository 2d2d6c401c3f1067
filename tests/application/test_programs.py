"""Many programs in one store: apart from each other, each with its own revisions, all swept by one engine."""

import pytest
from builders import Clock, claim_of, convert, day, order, points_program

from crossloyalty import Engine, Loyalty, Order, Program, Proof, Reason, rules
from crossloyalty.application.ports import Storage
from crossloyalty.errors import ConfigError, ProgramDiffers, UnknownProgram, WrongType
from crossloyalty.testing.dump import dump


def _program(program_id: str, rate: str = "1") -> Program:
    return points_program(rules.PointsPerYuan(rate, issue_after_days=15), program_id=program_id)


def _convert(door: Loyalty, member_id: str, bought: Order) -> None:
    convert(door, member_id, bought)


def test_programs_do_not_see_each_other(storage: Storage, clock: Clock) -> None:
    """One member id, one order number, two programs: two claims under two rules, and nothing is shared."""
    clock.set(day(6))
    a, b = (Loyalty(_program(f"brand-{name}", rate), storage, clock=clock) for name, rate in (("a", "1"), ("b", "2")))
    _convert(a, "m1", order(1))
    assert (b.member("m1").pending_points, b.claims("m1").items, b.orders("m1").items) == (0, (), ())
    assert claim_of(b, "m2", order(1), Proof.none()).detail.reasons == (Reason.RECEIVED, Reason.PENDING_SYNC)
    _convert(b, "m1", order(1))
    assert (a.member("m1").pending_points, b.member("m1").pending_points) == (100, 200)


def test_a_program_is_the_same_whether_or_not_another_ran(storage: Storage, clock: Clock) -> None:
    """The dump of one program does not change when another one works."""
    clock.set(day(6))
    a, b = (Loyalty(_program(f"brand-{name}"), storage, clock=clock) for name in "ab")
    _convert(a, "m1", order(1))
    before = dump(storage, "brand-a")
    _convert(b, "m1", order(1))
    b.bind("m1", platform="taobao", buyer_id="b1")
    b.adjust("m1", asset="points", amount=5, key="k")
    clock.set(day(25))
    b.run_due()
    b.ack(event.id for event in b.pending_events())
    assert dump(storage, "brand-a") == before


def test_the_engine_goes_over_all_programs(storage: Storage, clock: Clock) -> None:
    """run_due and verify of the engine answer by program id, for every program in the store."""
    clock.set(day(6))
    engine = Engine(storage, clock=clock)
    assert engine.programs() == []
    ids = ["brand-a", "brand-b", "brand-c", "brand-c2"]
    for program_id in reversed(ids):
        assert engine.publish(_program(program_id), expected_revision=0) == 1
    assert engine.programs() == ids
    for program_id in ids[:3]:
        _convert(engine.program(program_id), "m1", order(1))
    clock.set(day(20))
    reports = engine.run_due()
    assert {program_id: report.issued for program_id, report in reports.items()} == dict(
        zip(ids, (1, 1, 1, 0), strict=True)
    )
    assert all(report.ok for report in engine.verify().values())
    assert sorted(engine.verify()) == ids


def test_the_engine_opens_the_newest_revision(storage: Storage, clock: Clock) -> None:
    """A door of the engine works under the newest stored revision, also when another process has published it."""
    engine = Engine(storage, clock=clock)
    engine.publish(_program("brand-a", "1"), expected_revision=0)
    door = engine.program("brand-a")
    assert door.program_id == "brand-a"
    assert door.quote("m1", order(1)).points == 100
    Engine(storage, clock=clock).publish(_program("brand-a", "3"), expected_revision=1)
    assert door.quote("m1", order(1)).points == 300
    _convert(door, "m1", order(1))
    assert [claim.revision for claim in door.claims("m1").items] == [2]


def test_an_unknown_program_is_a_config_error(storage: Storage, clock: Clock) -> None:
    """Every call through the door of a program nobody published raises UnknownProgram and writes nothing."""
    door = Engine(storage, clock=clock).program("nobody")
    for call in (
        lambda: door.ingest([order(1)]),
        lambda: claim_of(door, "m1", order(1)),
        lambda: door.bind("m1", platform="taobao", buyer_id="b1"),
        lambda: door.adjust("m1", asset="points", amount=1, key="k"),
        lambda: door.block("m1", reason="x", key="k"),
        lambda: door.member("m1"),
        lambda: door.quote("m1", order(1)),
        lambda: door.explain(platform="taobao", order_no=order(1).order_no),
        door.run_due,
        door.verify,
    ):
        with pytest.raises(UnknownProgram):
            call()
    assert not any(dump(storage).values())


def test_the_first_revision_is_published_over_none(storage: Storage, clock: Clock) -> None:
    """A new program expects revision 0; with any other expectation it is refused."""
    engine = Engine(storage, clock=clock)
    with pytest.raises(ProgramDiffers):
        engine.publish(_program("brand-a"), expected_revision=1)
    assert engine.publish(_program("brand-a"), expected_revision=0) == 1


@pytest.mark.parametrize("expected", [-1, 1.0, True, None, "1"])
def test_expected_revision_is_a_number(storage: Storage, clock: Clock, expected: object) -> None:
    """What cannot be a revision is refused as misuse."""
    door = Loyalty(_program("brand-a"), storage, clock=clock)
    with pytest.raises(ConfigError):
        door.publish(_program("brand-a", "2"), expected_revision=expected)  # type: ignore[arg-type]


def test_a_door_publishes_its_own_program_only(storage: Storage, clock: Clock) -> None:
    """Another program's rules through this door are refused."""
    door = Loyalty(_program("brand-a"), storage, clock=clock)
    with pytest.raises(ConfigError):
        door.publish(_program("brand-b"), expected_revision=1)
    with pytest.raises(WrongType):
        door.publish("rules", expected_revision=1)  # type: ignore[arg-type]


def test_going_back_to_old_rules_is_a_new_revision(storage: Storage, clock: Clock) -> None:
    """Revisions are never reused: the rules of revision 1 published over revision 2 are revision 3."""
    door = Loyalty(_program("brand-a", "1"), storage, clock=clock)
    assert door.publish(_program("brand-a", "2"), expected_revision=1) == 2
    assert door.publish(_program("brand-a", "1"), expected_revision=2) == 3
    Loyalty(_program("brand-a", "1"), storage, clock=clock)
    assert [row.revision for row in dump(storage)["programs"]] == [1, 2, 3]
