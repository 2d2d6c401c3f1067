"""Histories that long runs of the machine found, each shortened to what matters."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from messages import SLOTS, START, Milestone, finished_message, order_message, refund_message
from test_machine import Machine

from crossloyalty import rules


class Drawn:
    """Stands for what a rule draws: the given values in turn."""

    def __init__(self, *values: Any) -> None:
        self.values = list(values)

    def draw(self, _: object) -> Any:
        return self.values.pop(0)


def begun(variant: int, *owners: str, one: bool = False, **binding: Any) -> Machine:
    machine = Machine()
    machine.begin(
        variant=variant, owners=(*owners, *[""] * (6 - len(owners))), one=one, binding=rules.Binding(**binding)
    )
    machine.holds()
    return machine


def seen(slot: int, on_day: int) -> Milestone:
    about = SLOTS[slot]
    at = START + timedelta(days=on_day)
    return Milestone(platform=about.platform, order_no=about.order_no, event="reviewed", at=at)


def an_event_that_was_earlier_wakes_a_request() -> Machine:
    machine = begun(1)
    machine.finish_and_claim(slot=4, member="m2", hour=5)
    machine.ingest([seen(4, 7)])
    machine.wait(24)
    machine.ingest([seen(4, 4)])
    return machine


def asking_again_lifts_no_block() -> Machine:
    machine = begun(1)
    machine.finish_and_claim(slot=0, member="m1", hour=5)
    machine.finish_and_claim(slot=3, member="m1", hour=5)
    machine.ingest([refund_message(3, "r1", "OPEN", 29, 50, 1, True)])
    machine.dispute(Drawn(3), "m3")
    machine.merge("m3", "m1")
    machine.holds()
    machine.claim([("m2", 0, "right", 0)])
    return machine


def an_order_of_long_ago_is_not_converted_by_a_binding() -> Machine:
    machine = begun(1)
    machine.ingest([order_message(5, "CLOSED", 38, "API", (None,) * 3, None, 33, False)])
    machine.wait(24 * 88)
    machine.bind(member="m3", who=("douyin", "b1"), via="callback", shown=False)
    return machine


def whom_an_order_belongs_to_has_it_once_a_stranger_is_refused() -> Machine:
    machine = begun(1)
    unclaimed = finished_message(3)
    machine.ingest([unclaimed])
    machine.finish_and_claim(slot=5, member="m1", hour=5)
    machine.claim([("m3", 3, "none", 0)])
    (held,) = [each for each in machine.loyalty.reviews(limit=10).items if each.member_id == "m3"]
    machine.decide(Drawn(held), False)
    machine.holds()
    machine.run_due()
    return machine


def a_place_among_requests_hangs_on_no_alias() -> Machine:
    machine = begun(2, "m2", "m1", "m1", "nobody", "m1", "m2", by_phone=True, cooldown_days=5)
    machine.claim([("m3", 5, "right", 1), ("m2", 5, "right", 0), ("m1", 2, "right", 2)])
    machine.owe_and_become_one(Drawn(0), "r3", 100, 38, "m3", 500)
    for slot in (1, 2, 3, 4, 5, 5, 0):
        machine.claim([("m1", slot, "none", 0)])
    return machine


LATEST = 4  # the slot whose order finishes last, so that what it gives is not issued yet


def waits_for_a_refund(variant: int, slot: int = 0) -> Machine:
    """What m1 was given once waits for the refund of its order; m2 has the same for an order without one."""
    machine = begun(variant)
    machine.wait(48)
    told = finished_message(slot)
    machine.ingest([told, refund_message(slot, "r1", "OPEN", 29, 50, None, False)])
    machine.claim([("m1", slot, "right", 0)])
    machine.finish_and_claim(slot=3, member="m2", hour=5)
    machine.holds()
    machine.merge("m2", "m1")
    machine.holds()
    return machine


def what_waits_for_a_refund_is_issued_by_the_others_order() -> Machine:
    machine = waits_for_a_refund(1)
    machine.ingest([refund_message(0, "r1", "SUCCESS", 38, 100, None, False)])
    machine.wait(24 * 26)
    machine.run_due()
    return machine


def what_is_not_issued_waits_again_without_the_others_order() -> Machine:
    machine = waits_for_a_refund(1, LATEST)
    machine.unmerge("m2")
    machine.holds()
    machine.wait(24 * 26)
    machine.run_due()
    machine.holds()
    machine.ingest([refund_message(LATEST, "r1", "CLOSED", 38, 50, None, False)])
    return machine


def a_gateway_that_is_late_means_whom_the_claim_was_made_with() -> Machine:
    machine = begun(5)
    machine.finish_and_claim(slot=0, member="m2", hour=5)
    machine.merge("m1", "m2")
    machine.ingest([refund_message(0, "r1", "SUCCESS", 29, 50, None, False)])
    asked = [each for each in machine.loyalty.deliveries().items if each.kind.endswith(".revoke")]
    machine.unmerge("m2")
    machine.dispute(Drawn(0), "m3")
    machine.holds()
    for each in asked:
        machine.done_outside(each, each.body["amount"])
    machine.holds()
    machine.merge("m1", "m3")
    machine.merge("m1", "m2")
    machine.unmerge("m2")
    assert asked
    return machine


def what_went_outside_again_goes_with_its_lot() -> Machine:
    """A tier gift taken back from one is given again while both are one: the gateway was asked for its lot's owner."""
    machine = begun(5, "m1", cooldown_days=5)
    machine.finish_and_claim(slot=2, member="m3", hour=20)
    machine.finish_and_claim(slot=5, member="m3", hour=5)
    machine.holds()
    machine.owe_and_become_one(Drawn(2), "r1", 10, 27, "m1", 0)
    machine.holds()
    machine.finish_and_claim(slot=3, member="m1", hour=5)
    machine.holds()
    machine.unmerge("m3")
    return machine


def what_is_given_once_goes_outside_again_for_the_others_order() -> Machine:
    machine = begun(5, "m1", "", "", "", "m1", "m1", on_claim="by_host", by_phone=True, cooldown_days=5)
    machine.publish()
    machine.ingest([refund_message(5, "r3", "SUCCESS", 34, 100, None, True)])
    machine.finish_and_claim(slot=2, member="m3", hour=5)
    machine.owe_and_become_one(Drawn(2), "r2", 60, 5, "m2", 25)
    machine.publish()
    machine.dispute(Drawn(0), "m3")
    machine.holds()
    machine.merge_and_part("m3", "m1", 0)
    machine.holds()
    machine.unmerge("m2")
    return machine


def a_gift_that_was_taken_back_is_given_again_by_a_merge() -> Machine:
    """Whoever is merged away had the tier once; together they reach it again, in the call that makes them one."""
    machine = begun(5, "m1", "", "", "", "m1", "m1", one=True, on_claim="by_host", cooldown_days=5)
    machine.owe_and_become_one(Drawn(5), "r1", 33, 37, "m2", 0)
    machine.publish()
    machine.dispute(Drawn(5), "m3")
    machine.dispute(Drawn(0), "m3")
    machine.dispute(Drawn(5), "m1")
    machine.holds()
    machine.merge_and_part("m3", "m1", 500)
    return machine


def an_order_is_looked_at_when_an_erased_request_would_have_run_out() -> Machine:
    machine = begun(1, "m1", "m1", "m1", "m1", "m1", "nobody", conflict="review", cooldown_days=5)
    machine.guess(member="m3", slot=3, many=5, proof="none")
    held = [each for each in machine.loyalty.reviews(limit=10).items if each.reason.name == "OTHER_BUYER"]
    machine.decide(Drawn(*held), False)
    machine.erase("m3")
    machine.holds()
    machine.run_due()
    return machine


def a_gift_given_before_stays_so_when_its_gateway_kept_an_earlier_one() -> Machine:
    owners = ("m1", "nobody", "m1", "m2", "m1", "")
    machine = begun(5, *owners, one=True, on_claim="by_host", by_phone=True, conflict="move", cooldown_days=5)
    machine.take_all("m2", "growth")
    machine.publish()
    machine.merge("m2", "m3", "claw_back")
    machine.given_before("m3", "silver")
    machine.keep_what_is_asked_back(Drawn(2, 5), 50)
    machine.holds()
    machine.publish()
    machine.owe_and_become_one(Drawn(3), "r2", 10, 13, "m1", 500, "claw_back")
    return machine


def who_was_on_the_deny_list_for_another_leaves_it_with_them() -> Machine:
    """m2 is on it because of m3, m1 because of m2; when m2 has left m1, and m3 has left m2, only m3 is."""
    machine = begun(4, "m1", "m1", "m2", "m1", "m1", "m1", by_phone=True, cooldown_days=5)
    machine.block("m3", True)
    machine.owe_and_become_one(Drawn(2), "r3", 33, 21, "m3", 25)
    machine.owe_and_become_one(Drawn(2), "r2", 10, 37, "m1", 25, "claw_back")
    machine.unmerge("m2")
    machine.holds()
    machine.merge_and_part("m3", "m2", 0, "claw_back")
    assert [machine.loyalty.member(each).blocked for each in ("m1", "m2", "m3")] == [False, False, True]
    return machine


@pytest.mark.parametrize(
    "history",
    [
        an_event_that_was_earlier_wakes_a_request,
        asking_again_lifts_no_block,
        an_order_of_long_ago_is_not_converted_by_a_binding,
        whom_an_order_belongs_to_has_it_once_a_stranger_is_refused,
        a_place_among_requests_hangs_on_no_alias,
        what_waits_for_a_refund_is_issued_by_the_others_order,
        what_is_not_issued_waits_again_without_the_others_order,
        a_gateway_that_is_late_means_whom_the_claim_was_made_with,
        what_went_outside_again_goes_with_its_lot,
        what_is_given_once_goes_outside_again_for_the_others_order,
        a_gift_that_was_taken_back_is_given_again_by_a_merge,
        an_order_is_looked_at_when_an_erased_request_would_have_run_out,
        a_gift_given_before_stays_so_when_its_gateway_kept_an_earlier_one,
        who_was_on_the_deny_list_for_another_leaves_it_with_them,
    ],
    ids=lambda each: each.__name__,
)
def test_a_history_that_was_found(history: Callable[[], Machine]) -> None:
    """The library and the model agree about it."""
    machine = history()
    machine.holds()
    machine.teardown()
