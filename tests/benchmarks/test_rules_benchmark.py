"""The benchmark of rules measures what it says: full programs convert, and both loads leave the same rows."""

from pathlib import Path

from crossloyalty import Loyalty, rules
from crossloyalty.storage.sqlite import SqliteStorage


def test_the_full_program_has_every_kind_of_rule(modules):
    full = modules("rules").full_program()
    kinds = {type(reward) for reward in full.rewards}
    assert {rules.PointsPerYuan, rules.PerStep, rules.PointsFixed, rules.GrowthFixed, rules.StoredValueFixed} <= kinds
    assert full.campaigns
    assert full.thresholds
    assert {cap.per for cap in full.caps} == {"order", "day", "month"}
    assert full.tier_gifts
    assert full.enrol_gifts
    assert full.basis != rules.Basis()


def test_the_load_by_hand_leaves_our_rows(modules, tmp_path: Path):
    opening, workload = modules("_opening"), modules("_workload")
    paths = tmp_path / "ours.db", tmp_path / "hand.db"
    for path in paths:
        workload.new_store(path, [])
    clock, rows = workload.Clock(), opening.opening_rows(3, 100)
    with SqliteStorage(paths[0]) as storage:
        report = Loyalty(workload.program(), storage, clock=clock).import_opening(rows, name="a", batch=100)
        assert (report.imported, report.defects) == (100, [])
    opening.load_by_hand(paths[1], rows, name="a", at=clock.instant)

    assert workload.same_rows(paths) > 300
