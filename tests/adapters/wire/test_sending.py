"""One call to a platform: its tries, its token, its limits, and what its errors tell."""

from __future__ import annotations

import asyncio
import gc
import gzip
import logging
import pickle
import threading
import time
from datetime import UTC, datetime, timedelta

import attrs
import httpx
import pytest
from small_platform import LOOPBACK, SmallDouble, dialect, saying

from crossloyalty.adapters.wire.dialect import SendingOptions
from crossloyalty.adapters.wire.network import is_outside
from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.adapters.wire.sending import async_sender, plain_sender
from crossloyalty.adapters.wire.token_stores import FileTokenStore, MemoryTokenStore
from crossloyalty.adapters.wire.tokens import StoredTokens, Tokens
from crossloyalty.adapters.wire.values import Action, Fault
from crossloyalty.application.driving import drive
from crossloyalty.errors import (
    ConfigError,
    PlatformMissing,
    PlatformRefused,
    PlatformUnavailable,
    RateLimited,
)
from crossloyalty.testing.doubles import Book, FaultKind, Faults


@pytest.fixture
def double():
    with SmallDouble(Book("small")) as running:
        yield running


def sender_of(double, pauses=None, **kwargs):
    """A plain sender at a double that notes its pauses and does not wait."""
    kwargs.setdefault("options", LOOPBACK)
    kwargs.setdefault("sleep", (pauses if pauses is not None else []).append)
    return plain_sender(dialect(double.url), **kwargs)


def send(sender, double, **kwargs):
    return drive(sender.send(saying(double.url, **kwargs)))


# -- tries -------------------------------------------------------------------------------------------------------------


def test_a_call_gets_its_token_and_its_answer(double):
    """The first call fetches a token, the second uses it again."""
    sender = sender_of(double)
    assert send(sender, double).body == b'{"said": "hi"}'
    send(sender, double)
    assert double.refreshes == 1
    assert double.calls == ["GET /token", "GET /x", "GET /x"]


PASSING = [each for each in FaultKind if each not in (FaultKind.DRIP, FaultKind.HEADER_DRIP, FaultKind.EXPIRE)]


@pytest.mark.parametrize("kind", PASSING, ids=lambda kind: kind.name)
def test_one_fault_is_got_over(double, kind):
    """After any one fault the same call is made again and answered."""
    double.faults = Faults(at={1: kind})
    sender = sender_of(double)
    answer = drive(sender.send_without_token(saying(double.url, path="/open")))
    assert answer.body == b'{"said": "hi"}'
    assert len(double.calls) == (1 if kind is FaultKind.DELAY else 2)


@pytest.mark.parametrize("kind", [each for each in PASSING if each is not FaultKind.DELAY], ids=lambda kind: kind.name)
def test_a_lasting_fault_ends_after_four_tries(double, kind):
    """Tries are bounded, pauses grow, and the error is typed and names no query."""
    double.faults = Faults(always=kind)
    pauses: list[float] = []
    sender = sender_of(double, pauses, random=lambda: 1.0)
    expected = RateLimited if kind is FaultKind.THROTTLE else PlatformUnavailable
    with pytest.raises(expected) as caught:
        drive(sender.send_without_token(saying(double.url, "private", path="/open")))
    assert len(double.calls) == 4
    # 0.5, 1 and 2 s at the most; a throttled call waits the advised 0.01 s and up to 0.5 s more.
    assert pauses == pytest.approx([0.51] * 3 if kind is FaultKind.THROTTLE else [0.5, 1.0, 2.0])
    assert "private" not in str(caught.value)
    assert "127.0.0.1/open" in str(caught.value)
    assert caught.value.platform == "small"
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.code) == (str(caught.value), caught.value.code)


def test_a_pause_longer_than_we_wait_is_told_at_once(double):
    """A ban of 90 s is not slept through: the caller hears of it with the figure."""
    double.faults = Faults(always=FaultKind.THROTTLE, advised_s=90.0)
    pauses: list[float] = []
    with pytest.raises(RateLimited) as caught:
        drive(sender_of(double, pauses).send_without_token(saying(double.url, path="/open")))
    assert (caught.value.retry_after_s, pauses, len(double.calls)) == (90.0, [], 1)


@pytest.mark.parametrize(
    ("bounds", "expected", "told"),
    [
        ({"tries": 9, "deadline_s": 200.0, "longest_pause_s": 60.0}, [1.0, 2.0, 4.0], 4.0),
        ({"tries": 3, "deadline_s": 200.0, "longest_pause_s": 60.0}, [1.0, 2.0], 4.0),
        ({"tries": 9, "deadline_s": 6.9, "longest_pause_s": 60.0}, [1.0, 2.0], 4.0),
        ({"tries": 9, "deadline_s": 200.0, "longest_pause_s": 3.0}, [1.0, 2.0], 4.0),
        ({"tries": 1, "deadline_s": 200.0, "longest_pause_s": 60.0}, [], 1.0),
    ],
)
def test_a_row_of_advised_pauses_is_kept(double, bounds, expected, told):
    """1, 2, 4 s and then enough; tries, deadline and longest pause end it sooner, and the next pause is told."""
    waited: list[float] = []
    started = time.monotonic()
    fault = Fault(action=Action.WAIT, code="slow", retry_after_s=1.0, then_s=(2.0, 4.0))
    told_slow = attrs.evolve(dialect(double.url), fault_of=lambda answer, call: fault)
    sender = plain_sender(
        told_slow,
        options=attrs.evolve(LOOPBACK, **bounds),
        sleep=waited.append,
        random=lambda: 0.0,
        monotonic=lambda: started + sum(waited),
    )
    with pytest.raises(RateLimited) as caught:
        drive(sender.send_without_token(saying(double.url, path="/open")))
    assert waited == pytest.approx([each + 0.1 for each in expected])  # the jitter is 0.1 s at the least
    assert (caught.value.retry_after_s, len(double.calls)) == (told, len(expected) + 1)


def test_a_row_of_pauses_goes_on_behind_other_faults(double):
    """What is no request to slow down takes no place in the row: 0.25, 1 and 2 s, then it is answered."""
    waited: list[float] = []
    slow = Fault(action=Action.WAIT, code="slow", retry_after_s=1.0, then_s=(2.0, 4.0))
    faults = iter([Fault(action=Action.RETRY, code="hiccup"), slow, slow, None])
    mixed = attrs.evolve(dialect(double.url), fault_of=lambda answer, call: next(faults))
    sender = plain_sender(mixed, options=LOOPBACK, sleep=waited.append, random=lambda: 0.0)
    assert drive(sender.send_without_token(saying(double.url, path="/open"))).status == 200
    assert waited == pytest.approx([0.25, 1.1, 2.1])


@pytest.mark.parametrize(
    ("header", "expected"),
    [("7", 7.0), ("Sat, 28 Nov 2026 00:00:10 GMT", 10.0), ("soon", None), ("Sat, 28 Nov 2020 00:00:00 GMT", 0.0)],
)
def test_retry_after_is_read(double, header, expected):
    """A 429 without readable words is a request to slow down; its pause may be seconds or a date."""
    now = datetime(2026, 11, 28, tzinfo=UTC)
    client = httpx.Client(
        transport=httpx.MockTransport(lambda _: httpx.Response(429, headers={"retry-after": header}, text="busy"))
    )
    sender = sender_of(double, client=client, clock=lambda: now, options=attrs.evolve(LOOPBACK, tries=1))
    with pytest.raises(RateLimited) as caught:
        drive(sender.send_without_token(saying(double.url, path="/open")))
    assert caught.value.retry_after_s == expected


@pytest.mark.parametrize(
    ("status", "expected"), [(404, PlatformRefused), (403, PlatformRefused), (500, PlatformUnavailable)]
)
def test_a_status_speaks_where_the_body_does_not(double, status, expected):
    """An unreadable body under 4xx is a no, under 5xx an outage."""
    client = httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(status, text="<html>")))
    with pytest.raises(expected) as caught:
        drive(sender_of(double, client=client).send_without_token(saying(double.url, path="/open")))
    assert caught.value.code == f"HTTP {status}"


@pytest.mark.parametrize(
    ("word", "expected", "calls"),
    [("no", PlatformRefused, 1), ("reauthorise", PlatformRefused, 1), ("missing", PlatformMissing, 1)],
)
def test_an_error_inside_http_200_is_an_error(double, word, expected, calls):
    """What the platform says decides, whatever the HTTP status."""
    with pytest.raises(expected) as caught:
        drive(sender_of(double).send_without_token(saying(f"{double.url}/say?error={word}#", path="")))
    assert len(double.calls) == calls
    assert (caught.value.code, caught.value.request_id) == (word, "r-1")


def test_a_write_without_a_key_is_sent_once(double):
    """A call that moves value is not repeated after its answer was lost, but it is when it never left."""
    double.faults = Faults(at={1: FaultKind.DROP})
    with pytest.raises(PlatformUnavailable):
        drive(sender_of(double).send_without_token(saying(double.url, path="/open", safe=False, method="POST")))
    assert len(double.calls) == 1
    tries: list[int] = []

    def refuse(request):
        tries.append(1)
        if len(tries) < 3:
            raise httpx.ConnectError("no route")
        return httpx.Response(200, json={"said": "late"})

    client = httpx.Client(transport=httpx.MockTransport(refuse))
    sender = sender_of(double, client=client)
    drive(sender.send_without_token(saying(double.url, path="/open", safe=False, method="POST")))
    assert len(tries) == 3


# -- deadlines and bounds ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [FaultKind.DRIP, FaultKind.HEADER_DRIP], ids=lambda kind: kind.name)
def test_a_slow_drip_meets_the_deadline(double, kind):
    """A byte every 50 ms keeps each read within its time-out; the total deadline of 0.4 s ends it all the same."""
    double.faults = Faults(always=kind)
    sender = sender_of(double, options=attrs.evolve(LOOPBACK, deadline_s=0.4))
    began = time.monotonic()
    with pytest.raises(PlatformUnavailable):
        drive(sender.send_without_token(saying(double.url, path="/open")))
    assert time.monotonic() - began < 2.0


def test_an_awaited_drip_meets_the_deadline(double):
    """The deadline also bites where the host is asynchronous."""
    double.faults = Faults(always=FaultKind.HEADER_DRIP)

    async def main():
        sender = async_sender(dialect(double.url), options=attrs.evolve(LOOPBACK, deadline_s=0.4))
        with pytest.raises(PlatformUnavailable):
            await sender.send_without_token(saying(double.url, path="/open"))
        await sender.close()

    began = time.monotonic()
    asyncio.run(main())
    assert time.monotonic() - began < 2.0


def test_the_clock_between_the_pieces_ends_a_hosts_client_too(double):
    """With a client of the host's, whose sockets we do not see, the deadline is looked at between two pieces."""
    ticks = iter(range(1000))

    class Slow(httpx.SyncByteStream):
        def __iter__(self):
            while True:
                yield b" "

    client = httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200, stream=Slow())))
    sender = sender_of(double, client=client, monotonic=lambda: float(next(ticks)))
    with pytest.raises(PlatformUnavailable):
        drive(sender.send_without_token(saying(double.url, path="/open")))
    assert next(ticks) < 60


def test_a_bomb_never_grows_past_its_bound(double):
    """64 MB in 64 kB of gzip is refused while it is unpacked: memory grows by less than twice the bound."""
    import tracemalloc

    double.faults = Faults(always=FaultKind.BOMB)
    sender = sender_of(double, options=attrs.evolve(LOOPBACK, tries=1, most_bytes=1024 * 1024))
    with pytest.raises(PlatformUnavailable):  # once outside, so that the double's own bomb is made
        drive(sender.send_without_token(saying(double.url, path="/open")))
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    with pytest.raises(PlatformUnavailable, match="larger"):
        drive(sender.send_without_token(saying(double.url, path="/open")))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak - before < 4 * 1024 * 1024


@pytest.mark.parametrize(("size", "fits"), [(999, True), (1000, True), (1001, False)])
@pytest.mark.parametrize("packed", [False, True])
def test_the_bound_is_exact(double, size, fits, packed):
    """An answer of exactly the bound is read, one byte more is not, packed or not."""
    body = b'"' + b"x" * (size - 2) + b'"'
    headers = {"content-encoding": "gzip"} if packed else {}
    content = gzip.compress(body) if packed else body

    class Stream(httpx.SyncByteStream):
        def __iter__(self):
            yield content

    made = attrs.evolve(dialect(double.url), fault_of=lambda answer, call: None)
    client = httpx.Client(
        transport=httpx.MockTransport(lambda _: httpx.Response(200, headers=headers, stream=Stream()))
    )
    sender = plain_sender(made, client=client, options=attrs.evolve(LOOPBACK, tries=1, most_bytes=1000))
    call = sender.send_without_token(saying(double.url, path="/open"))
    if fits:
        assert drive(call).body == body
    else:
        with pytest.raises(PlatformUnavailable):
            drive(call)


# -- addresses ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "http://small.test",
        "https://small.test:8443",
        "https://other.test",
        "https://small.test.evil.example",
        "https://user@small.test",
        "https://small.test@evil.example",
        "https://127.0.0.1",
        "https://[::1]",
        "ftp://small.test",
        "small.test",
        "https://small.test\\@evil.example",
        "https://2130706433",
    ],
)
def test_calls_go_to_the_platforms_hosts_over_https_alone(url):
    """Another scheme, port, host or user part is a mistake in the set-up; nothing is sent."""
    sender = plain_sender(dialect(url), client=httpx.Client(transport=httpx.MockTransport(lambda _: 1 / 0)))
    with pytest.raises(ConfigError):
        drive(sender.send_without_token(saying(url, path="/open")))


def test_loopback_needs_the_option(double):
    """Without the option for doubles, 127.0.0.1 is refused."""
    with pytest.raises(ConfigError):
        drive(sender_of(double, options=SendingOptions()).send_without_token(saying(double.url)))


@pytest.mark.parametrize(
    ("address", "outside"),
    [
        ("140.205.1.1", True),
        ("2400:3200::1", True),
        ("10.0.0.1", False),
        ("100.100.100.200", False),
        ("169.254.169.254", False),
        ("::ffff:169.254.169.254", False),
        ("::ffff:140.205.1.1", True),
        ("2002:7f00:1::", False),  # 6to4 of 127.0.0.1, 169.254.169.254 and 140.205.1.1
        ("2002:a9fe:a9fe::1", False),
        ("2002:8ccd:101::1", True),
        ("64:ff9b::a9fe:a9fe", False),  # NAT64 of 169.254.169.254, 127.0.0.1, 10.0.0.1 and 140.205.1.1
        ("64:ff9b::7f00:1", False),
        ("64:ff9b::a00:1", False),
        ("64:ff9b::8ccd:101", True),
        ("64:ff9b:1::a9fe:a9fe", False),  # the local NAT64 prefix, whatever it carries
        ("64:ff9b:1::8ccd:101", False),
        ("::169.254.169.254", False),  # IPv4-compatible
        ("::140.205.1.1", False),
        ("::ffff:0:169.254.169.254", False),  # IPv4-translated
        ("2001:0:8ccd:101::5601:5601", False),  # Teredo: 169.254.169.254 behind the server 140.205.1.1
        ("2001:0:8ccd:101::7332:fefe", False),
        ("2400:3200::5efe:a9fe:a9fe", False),  # ISATAP
        ("2400:3200::200:5efe:8ccd:101", True),
        ("::", False),
        ("fec0::1", False),
        ("fd00::1", False),
        ("ff0e::1", False),
        ("4000::1", False),
        ("fe80::1%eth0", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("127.0.0.1", False),
        ("nonsense", False),
    ],
)
def test_which_addresses_are_outside(address, outside):
    """Only global addresses are called, looked at inside their IPv6 dress; loopback by the option alone."""
    assert is_outside(address, allow_loopback=False) is outside
    assert is_outside("127.0.0.1", allow_loopback=True)


@pytest.mark.parametrize("address", ["64:ff9b::7f00:1", "2002:7f00:1::", "::127.0.0.1", "64:ff9b:1::7f00:1"])
def test_loopback_behind_a_translator_is_never_ours(address):
    """The option for doubles opens 127.0.0.1, ::1 and the mapped form; other forms go to whoever translates them."""
    assert not is_outside(address, allow_loopback=True)
    assert is_outside("::1", allow_loopback=True)
    assert is_outside("::ffff:127.0.0.1", allow_loopback=True)


def test_a_name_that_leads_inside_is_not_talked_to(double, monkeypatch):
    """A platform's name that resolves to loopback gets no byte: what counts is the connected address."""
    import socket

    port = int(double.url.rpartition(":")[2])
    real = socket.create_connection
    monkeypatch.setattr(socket, "create_connection", lambda address, *rest, **more: real(("127.0.0.1", port)))
    sender = plain_sender(dialect("https://small.test"), options=SendingOptions(tries=1, try_s=1.0))
    with pytest.raises(PlatformUnavailable, match="ConnectError"):
        drive(sender.send_without_token(saying("https://small.test", path="/open")))
    assert double.calls == []


def test_the_environment_changes_nothing(double, monkeypatch):
    """A proxy in the environment is not used."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert send(sender_of(double), double).status == 200


# -- secrets -----------------------------------------------------------------------------------------------------------


def test_no_log_shows_a_token(double, caplog):
    """httpx logs whole addresses; those of our calls stay out of every log, the host's own stay in."""
    caplog.set_level(logging.DEBUG)
    double.faults = Faults(at={2: FaultKind.DROP})
    send(sender_of(double), double)
    assert "canary" not in caplog.text
    with httpx.Client() as own:
        own.get(f"{double.url}/open?say=mine")
    assert "say=mine" in caplog.text


@pytest.mark.parametrize("kind", [FaultKind.DROP, FaultKind.CUT, FaultKind.HTML], ids=lambda kind: kind.name)
def test_no_error_leads_to_a_token(double, kind):
    """Neither the error nor anything hanging on it names the address with its token."""
    sender = sender_of(double)
    send(sender, double)
    double.faults = Faults(always=kind)
    with pytest.raises(PlatformUnavailable) as caught:
        send(sender, double)
    error: BaseException | None = caught.value
    while error is not None:
        assert "canary" not in repr(error)
        assert not hasattr(error, "_request")
        error = error.__cause__ or error.__context__


# -- tokens ------------------------------------------------------------------------------------------------------------


def test_a_token_that_ends_is_renewed_once(double):
    """A token good for 5 calls: 20 calls need 4 tokens, and each expiry costs one refresh."""
    double.faults = Faults(expire_every=5)
    sender = sender_of(double)
    for _ in range(20):
        send(sender, double)
    assert (double.expiries, double.refreshes) == (3, 4)


def test_a_token_refused_for_ever_is_told(double):
    """When a renewed token is refused again and again, somebody has to look."""
    double.token_is_good = lambda token: False
    with pytest.raises(PlatformRefused):
        send(sender_of(double), double)
    assert double.refreshes == 4


@pytest.mark.parametrize("store", ["memory", "file"])
def test_eight_threads_renew_together(double, store, tmp_path):
    """8 threads with senders of their own over one store, tokens good for 10 calls: refreshes ≤ expiries + 1."""
    double.faults = Faults(expire_every=10)
    tokens = MemoryTokenStore() if store == "memory" else FileTokenStore(tmp_path / "tokens")
    failures: list[Exception] = []

    def work():
        try:
            sender = plain_sender(dialect(double.url), tokens=tokens, options=attrs.evolve(LOOPBACK, tries=12))
            for _ in range(12):
                send(sender, double)
        except Exception as error:  # noqa: BLE001 - shown below
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert double.expiries >= 8
    assert double.refreshes <= double.expiries + 1


def test_tasks_renew_together(double):
    """20 tasks of one asynchronous sender cost one refresh per expiry."""
    double.faults = Faults(expire_every=15)

    async def main():
        sender = async_sender(dialect(double.url), options=attrs.evolve(LOOPBACK, tries=12))

        async def work():
            for _ in range(4):
                await sender.send(saying(double.url))

        await asyncio.gather(*(work() for _ in range(20)))
        await sender.close()

    asyncio.run(main())
    assert double.refreshes <= double.expiries + 1


@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_one_sender_serves_loop_after_loop(double):
    """A sender whose event loop has ended opens new connections in the next one."""
    sender = async_sender(dialect(double.url), options=LOOPBACK)
    for _ in range(3):
        assert asyncio.run(sender.send(saying(double.url))).status == 200
    del sender
    gc.collect()  # connections of loops that ended are warned of here, where it is expected


def test_a_token_is_renewed_before_its_end(double):
    """A token of 1,000 s is renewed when less than 300 s are left, not before."""
    now = [datetime(2026, 11, 28, tzinfo=UTC)]
    sender = plain_sender(dialect(double.url, lifetime_s=1000), options=LOOPBACK, clock=lambda: now[0])
    send(sender, double)
    now[0] += timedelta(seconds=699)
    send(sender, double)
    assert double.refreshes == 1
    now[0] += timedelta(seconds=1)
    send(sender, double)
    assert double.refreshes == 2


def test_an_early_refresh_that_fails_does_no_harm(double):
    """While the old token is still good, an outage of the token address stops nothing."""
    now = [datetime(2026, 11, 28, tzinfo=UTC)]
    sender = plain_sender(
        dialect(double.url, lifetime_s=1000), options=LOOPBACK, clock=lambda: now[0], sleep=lambda _: None
    )
    send(sender, double)
    now[0] += timedelta(seconds=800)
    double.faults = Faults(at=dict.fromkeys(range(1, 5), FaultKind.ERROR))
    assert send(sender, double).status == 200
    assert double.refreshes == 1


def test_a_lease_left_behind_ends_by_time():
    """A worker that died while renewing blocks the others for a minute of their clock, not for ever."""
    now = [datetime(2026, 11, 28, tzinfo=UTC)]
    tokens = MemoryTokenStore()
    held = Tokens(access=Secret("old"), refresh=None, expires_at=now[0])
    assert tokens.swap(
        "small", "s1", 0, StoredTokens(version=1, tokens=held, lease_until=now[0] + timedelta(minutes=1))
    )

    def sleep(seconds: float) -> None:
        now[0] += timedelta(seconds=seconds * 100)

    with SmallDouble(Book("small")) as double:
        sender = plain_sender(dialect(double.url), tokens=tokens, options=LOOPBACK, clock=lambda: now[0], sleep=sleep)
        assert send(sender, double).status == 200
        assert double.refreshes == 1


@pytest.mark.parametrize("store", ["memory", "file"])
def test_a_token_store_swaps_one_version_once(store, tmp_path):
    """Of 16 writers of one version exactly one wins; what it wrote is read back whole."""
    tokens = MemoryTokenStore() if store == "memory" else FileTokenStore(tmp_path / "t")
    assert tokens.load("p", "店/1") == StoredTokens()
    start = threading.Barrier(16)
    won: list[StoredTokens] = []

    def write(place: int) -> None:
        ends = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=place)
        row = StoredTokens(
            version=1,
            tokens=Tokens(access=Secret(f"a{place}"), refresh=Secret("r"), expires_at=ends),
            lease_until=ends,
        )
        start.wait()
        if tokens.swap("p", "店/1", 0, row):
            won.append(row)

    threads = [threading.Thread(target=write, args=(place,)) for place in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert tokens.load("p", "店/1") == won[0]
    assert tokens.load("p", "other") == StoredTokens()
    for version in range(1, 100):
        assert tokens.swap("p", "店/1", version, StoredTokens(version=version + 1))
    assert tokens.load("p", "店/1").version == 100
    assert not tokens.swap("p", "店/1", 99, StoredTokens(version=100))


def test_token_files_are_for_their_owner_alone(tmp_path):
    """Files have mode 0600; a folder others may read is refused; old versions go."""
    folder = tmp_path / "t"
    tokens = FileTokenStore(folder)
    for version in range(80):
        tokens.swap("p", "s", version, StoredTokens(version=version + 1))
    modes = {each.stat().st_mode & 0o777 for each in folder.iterdir()}
    assert modes == {0o600}
    assert len(list(folder.iterdir())) <= 65
    folder.chmod(0o750)
    with pytest.raises(ConfigError):
        FileTokenStore(folder)


# -- the wrong kind ----------------------------------------------------------------------------------------------------


def test_the_wrong_kind_of_client_or_store_is_refused():
    """An asynchronous client in a plain source, and the other way round, is named when it is built."""

    class Awaited:
        async def load(self, platform, shop_id): ...
        async def swap(self, platform, shop_id, expected_version, new): ...

    with pytest.raises(ConfigError):
        plain_sender(dialect("https://small.test"), client=httpx.AsyncClient())
    with pytest.raises(ConfigError):
        async_sender(dialect("https://small.test"), client=httpx.Client())
    with pytest.raises(ConfigError):
        plain_sender(dialect("https://small.test"), tokens=Awaited())
    made = attrs.evolve(dialect("https://small.test"), refreshing=None)
    with pytest.raises(ConfigError):
        drive(plain_sender(made).send(saying("https://small.test")))
