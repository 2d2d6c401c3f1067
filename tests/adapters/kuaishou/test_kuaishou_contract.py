"""The Kuaishou source keeps every promise of the adapter contract against its double."""

from __future__ import annotations

import json

import pytest
from kuaishou_payloads import order

from crossloyalty.testing import AdapterContract
from crossloyalty.testing.adapter_checks import check_sync_loses_and_doubles_nothing
from crossloyalty.testing.doubles.kuaishou import KuaishouKit


class TestKuaishou(KuaishouKit, AdapterContract):
    """Every check of the kit."""


@pytest.mark.release
def test_two_thousand_orders_are_pulled_whole() -> None:
    """None missing, none doubled, none wrong, from a double that drifts and fails with short-lived tokens."""
    kit = KuaishouKit()
    kit.orders = 2000
    check_sync_loses_and_doubles_nothing(kit)


def test_a_page_is_read_from_its_bytes_alone() -> None:
    """What the benchmark reads is what the source reads: no doubt, and a good order."""
    kit = KuaishouKit()
    facts = kit.parse(json.dumps({"result": 1, "data": {"cursor": "nomore", "orderList": [order()] * 3}}).encode())
    assert facts is not None
    assert (len(facts.items), facts.doubtful) == (3, ())
    assert kit.parse(b"[1]") is not None
