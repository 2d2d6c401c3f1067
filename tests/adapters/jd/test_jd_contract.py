"""JD keeps every promise of the adapter contract, over either gateway."""

from __future__ import annotations

import pytest
from parsed_pages import check_parse

from crossloyalty.testing import AdapterContract
from crossloyalty.testing.doubles.jd import JdKit


class TestJd(JdKit, AdapterContract):
    """The documented gateway."""


class TestJdSp(JdKit, AdapterContract):
    """The SP-API."""

    api = "sp"
    orders = 600


@pytest.mark.parametrize("kit", [TestJd(), TestJdSp()], ids=["routerjson", "sp"])
def test_a_page_is_parsed_without_any_call(kit: JdKit) -> None:
    """The benchmark reads pages with what the source reads them with."""
    check_parse(kit)
