"""
The adapter contract as a pytest class: subclass it with your source and its double, and every promise is tried.

    class CornerKit(AdapterKit):
        platform = "corner"
        platforms = (PLATFORM,)
        pushes = True

        def make_double(self, book, faults, clock):
            return CornerDouble(book, faults=faults, clock=clock)

        def make_source(self, double, *, tokens, clock):
            return CornerSource(double.settings(), tokens=tokens, clock=clock, sleep=lambda _: None, options=QUICK)

    class TestCorner(CornerKit, AdapterContract):
        pass

The checks are plain functions over an `AdapterKit` and run without pytest.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from crossloyalty.testing import adapter_checks as pulls
from crossloyalty.testing import message_checks as messages
from crossloyalty.testing import queue_checks as queues
from crossloyalty.testing.adapter_kit import QUICK, AdapterKit

__all__ = ["ADAPTER_CHECKS", "QUICK", "AdapterContract"]

# Each check with the attribute of the class that has to be True for it.
ADAPTER_CHECKS: Final[dict[Callable[[AdapterKit], None], str | None]] = {
    pulls.check_sync_loses_and_doubles_nothing: None,
    pulls.check_sync_again_changes_nothing: None,
    pulls.check_sync_goes_on_after_any_page: None,
    pulls.check_refunds_after_finishing_arrive: None,
    pulls.check_fetch_gives_an_order_with_its_refunds: None,
    pulls.check_lasting_faults_are_typed: None,
    pulls.check_no_transaction_is_open_during_a_call: None,
    pulls.check_no_secret_shows: None,
    pulls.check_capabilities_are_kept: None,
    pulls.check_async_equals_plain: "awaits",
    messages.check_messages_lead_to_orders: "pushes",
    messages.check_forged_messages_are_refused: "pushes",
    messages.check_a_lost_answer_leads_to_one_effect: "pushes",
    messages.check_a_message_storm_ends_like_calm: "pushes",
    messages.check_lost_messages_are_found_by_the_pull: "pushes",
    queues.check_waiting_messages_lead_to_orders: "queues",
    queues.check_a_lost_confirmation_leads_to_one_effect: "queues",
    queues.check_lasting_faults_of_the_queue_are_typed: "queues",
    queues.check_a_storm_in_the_queue_ends_like_calm: "queues",
    queues.check_an_asynchronous_host_empties_the_queue: "queues",
}


class AdapterContract(AdapterKit):
    """Collects one test for each promise; override what `AdapterKit` says."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for check, needed in ADAPTER_CHECKS.items():
            _collect(cls, check, needed)


def _collect(cls: type[AdapterContract], check: Callable[[AdapterKit], None], needed: str | None) -> None:
    name = check.__name__.replace("check_", "test_", 1)

    def test(self: AdapterContract) -> None:
        check(self)

    test.__name__, test.__doc__ = name, check.__doc__
    claimed = needed is None or getattr(cls, needed)
    setattr(cls, name, test if claimed else None)  # pytest does not collect None
