"""Taobao and Tmall keep every promise of the adapter contract."""

from __future__ import annotations

import pytest
from parsed_pages import check_parse

from crossloyalty.testing import AdapterContract
from crossloyalty.testing.doubles.taobao import TaobaoKit


class TestTaobao(TaobaoKit, AdapterContract):
    """The lists made for member systems."""


@pytest.mark.release
class TestTaobaoFull(TaobaoKit, AdapterContract):
    """The full lists, with each finished order fetched once more."""

    api = "sold"
    orders = 600


def test_a_page_is_parsed_without_any_call() -> None:
    """The benchmark reads pages with what the source reads them with."""
    check_parse(TaobaoKit())
