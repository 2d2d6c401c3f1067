"""The benchmark of syncing measures what it says: both sides read the same pages, and pages are parsed whole."""

from pathlib import Path

from crossloyalty.testing.adapter_kit import Stand


def test_the_bare_download_reads_the_pages_of_the_sync(modules):
    sync = modules("sync")
    with Stand.open(sync.CornerKit(), orders=150) as stand:
        recorded = sync.Recorded(stand.double)
        assert stand.loyalty.sync(stand.source, since=stand.since).orders_new == 150
        recorded.recording = False
        calls = len(stand.double.calls)
        sync.bare(stand.double.url, recorded.requests)
        assert len(stand.double.calls) - calls == len(recorded.requests) == calls


def test_the_figures_are_made(modules, tmp_path: Path, monkeypatch):
    sync = modules("sync")
    monkeypatch.setattr(sync, "ORDERS", 60)
    pulled = sync.pulled("corner", sync.CornerKit(), tmp_path, pairs=2)
    parsed = sync.parsed("corner", sync.CornerKit(), pairs=2)
    assert (pulled.name, pulled.unit, pulled.better) == ("sync.corner", "orders/s", "higher")
    assert (parsed.name, parsed.better) == ("parse.corner.us", "lower")
    assert 0 < parsed.ours < 5_000
