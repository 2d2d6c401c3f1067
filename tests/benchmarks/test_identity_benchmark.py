"""The benchmark of identities measures what it says: buyers claim, half of the orders convert, members are seen."""

from pathlib import Path


def test_bound_buyers_have_everything_to_claim(modules, tmp_path: Path):
    identity, workload = modules("identity"), modules("_workload")
    work = workload.make_work(6)
    door = identity._door(tmp_path, "bound")
    door.ingest(identity.bought(work))
    identity.bind_unconverted(door, work)
    for who, platform, order_no, _, _ in work.requests:
        assert door.claim(who, platform=platform, order_no=order_no).created


def test_half_of_the_orders_convert_on_both_sides(modules, tmp_path: Path):
    figure = modules("identity").half_bound(tmp_path, orders=40, size=20)
    assert (figure.name, figure.target) == ("ingest.half_bound", 0.6)
    assert figure.ratio > 0


def test_a_large_member_is_compared_with_a_small_one(modules, tmp_path: Path):
    figure = modules("identity").large_member(tmp_path, pairs=2, large=12, small=3)
    assert (figure.name, figure.unit, figure.target) == ("member.large", "members/s", 0.66)
    assert figure.ratio > 0
