"""
The sender: one call to a platform with its tries, its token and its limits, over any client with httpx's interface.

Each try builds and signs the call anew, because signatures carry the time. A platform's error inside HTTP 200 is an
error. Errors name method, host and path, never a query, a header or a body.
"""

from __future__ import annotations

import random as _random
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, NoReturn

from crossloyalty.adapters.wire.dialect import Dialect, SendingOptions
from crossloyalty.adapters.wire.exchange import Broken, Exchange
from crossloyalty.adapters.wire.keeping import Keeper
from crossloyalty.adapters.wire.secret import Secret
from crossloyalty.adapters.wire.token_stores import MemoryTokenStore, is_awaited, lift_tokens
from crossloyalty.adapters.wire.tokens import AsyncTokenStore, Tokens, TokenStore
from crossloyalty.adapters.wire.values import Action, Answer, Call, Fault
from crossloyalty.application.ports import AsyncSleep, Clock, Sleep
from crossloyalty.application.world import system_clock
from crossloyalty.errors import (
    ConfigError,
    CrossloyaltyError,
    PlatformMissing,
    PlatformRefused,
    PlatformUnavailable,
    RateLimited,
    shown,
)

__all__ = ["Sender", "async_sender", "plain_sender"]

_LONGEST_BACKOFF_S: Final = 8.0
_FIRST_BACKOFF_S: Final = 0.5


class _Again(Exception):
    """A try that may be made again; *pauses_s* are advised: one for each time, or a row; none: growing ones."""

    def __init__(self, shown_as: CrossloyaltyError, *pauses_s: float) -> None:
        super().__init__(str(shown_as))
        self.shown_as = shown_as
        self.pauses_s = pauses_s


class _TokenRefused(_Again):
    """The access token is over; the next try carries another one."""


class Sender:
    """
    Sends the calls of one shop; use `plain_sender` or `async_sender` to make one.

    Args:
        dialect: What it has to know of the platform.
        exchange: Over the client.
        tokens: Where the tokens live.
        options: Patience and bounds.
        clock: Gives the present moment as an aware datetime.
        sleep: Pauses, in seconds.
        random: Draws the jitter of pauses, 0 to 1.
        monotonic: Counts seconds, for deadlines.
    """

    def __init__(
        self,
        dialect: Dialect,
        exchange: Exchange,
        *,
        tokens: AsyncTokenStore,
        options: SendingOptions,
        clock: Clock,
        sleep: AsyncSleep,
        random: Callable[[], float],
        monotonic: Callable[[], float],
    ) -> None:
        self._dialect = dialect
        self._exchange = exchange
        self._options = options
        self._clock = clock
        self._sleep = sleep
        self._random = random
        self._monotonic = monotonic
        refreshing = dialect.refreshing
        self._keeper = (
            None
            if refreshing is None
            else Keeper(
                tokens,
                platform=dialect.platform,
                shop_id=dialect.shop_id,
                early_s=refreshing.early_s,
                # Not our own method: sender and keeper would hold each other, and connections end with the sender.
                now=lambda: clock().astimezone(UTC),
                sleep=sleep,
                random=random,
            )
        )

    def now(self) -> datetime:
        """Give the present moment, aware, UTC."""
        return self._clock().astimezone(UTC)

    async def close(self) -> None:
        """Close connections that are kept open; a client of the host's stays open."""
        await self._exchange.close()

    async def send(self, build: Callable[[datetime, Secret], Call]) -> Answer:
        """
        Send one call with the shop's access token.

        Args:
            build: Makes and signs the call for a moment (aware) and the token; called again for each try.

        Returns:
            An answer that the dialect has no complaint about.

        Raises:
            RateLimited: The platform wants a longer pause than we wait, or the tries ran out.
            PlatformUnavailable: No good answer within the tries and the deadline.
            PlatformMissing: There is no such order or refund.
            PlatformRefused: A no for good, or the merchant has to authorise again.
            ConfigError: The call goes to an address that is not the platform's.
        """
        keeper = self._keeper
        if keeper is None:
            raise ConfigError(f"{self._dialect.platform}: this platform's calls carry no token")
        stale: Secret | None = None

        async def once(deadline: float) -> Answer:
            nonlocal stale
            token = await keeper.access(stale, lambda old: self._renew(old, deadline))
            try:
                return await self._once(build(self.now(), token), deadline, carries_token=True)
            except _TokenRefused:
                stale = token
                raise

        return await self._tried(once)

    async def send_without_token(self, build: Callable[[datetime], Call]) -> Answer:
        """Send one call that carries no access token; see `send`."""

        async def once(deadline: float) -> Answer:
            return await self._once(build(self.now()), deadline)

        return await self._tried(once)

    async def _renew(self, old: Secret | None, deadline: float) -> Tokens:
        refreshing = self._dialect.refreshing
        if refreshing is None:
            raise ConfigError(f"{self._dialect.platform}: this platform's calls carry no token")

        async def once(_: float) -> Answer:
            return await self._once(refreshing.build(self.now(), old), deadline)

        answer = await self._tried(once, deadline)
        try:
            return refreshing.read(answer, self.now())
        except (ValueError, TypeError, KeyError) as error:
            name = type(error).__name__
        raise PlatformUnavailable(
            f"the answer with the token is not as its page describes it ({name})", platform=self._dialect.platform
        )

    # -- tries ---------------------------------------------------------------------------------------------------------

    async def _tried(self, once: Callable[[float], Awaitable[Answer]], deadline: float | None = None) -> Answer:
        ends = self._monotonic() + self._options.deadline_s if deadline is None else deadline
        try:
            return await once(ends)  # which nearly always is all there is to do
        except _Again as again:
            return await self._tried_again(once, ends, again)

    async def _tried_again(self, once: Callable[[float], Awaitable[Answer]], ends: float, first: _Again) -> Answer:
        # Imported here: tenacity and asyncio take long to import, and most programs open no source.
        from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type

        # How many pauses of an advised row were asked for, and the pause that is advised now.
        waits = 0
        advised: float | None = None
        spent = False

        def enough(state: RetryCallState) -> bool:
            if spent or (advised is not None and advised > self._options.longest_pause_s):
                return True
            return state.attempt_number >= self._options.tries or self._monotonic() + state.upcoming_sleep > ends

        def pause_s(state: RetryCallState) -> float:
            nonlocal waits, advised, spent
            pauses = _pauses(state)
            advised = pauses[min(waits, len(pauses) - 1)] if pauses else None
            if len(pauses) > 1:
                spent = waits >= len(pauses)
                waits += 1
            if advised is not None:
                # A little longer than advised, and not all workers at once.
                return advised if advised == 0 else advised + 0.1 + 0.4 * self._random()
            grown = min(_LONGEST_BACKOFF_S, _FIRST_BACKOFF_S * 2.0 ** (state.attempt_number - 1))
            return grown * (0.5 + 0.5 * self._random())

        retrying = AsyncRetrying(
            sleep=self._sleep, stop=enough, wait=pause_s, retry=retry_if_exception_type(_Again), reraise=True
        )
        shown_as: CrossloyaltyError = PlatformUnavailable("no try was made")
        try:
            async for attempt in retrying:
                with attempt:
                    if attempt.retry_state.attempt_number == 1:
                        raise first
                    return await once(ends)
        except _Again as last:
            shown_as = last.shown_as
            if isinstance(shown_as, RateLimited) and len(last.pauses_s) > 1:
                shown_as.retry_after_s = advised
        raise shown_as

    async def _once(self, call: Call, deadline: float, *, carries_token: bool = False) -> Answer:
        try:
            answer = await self._exchange.send(call, deadline)
        except Broken as broken:
            error = PlatformUnavailable(f"{call.name}: {call.place}: {broken.why}", platform=self._dialect.platform)
            again = call.safe or broken.unsent
        else:
            fault = self._fault(answer, call)
            if fault is None:
                return answer
            self._judge(fault, call, carries_token=carries_token)
        if again:
            raise _Again(error)
        raise error

    def _fault(self, answer: Answer, call: Call) -> Fault | None:
        """Read the error in an answer; the HTTP status speaks where the body says nothing readable."""
        status = answer.status
        code = f"HTTP {status}"
        unreadable = False
        fault = None
        if not 300 <= status < 400:
            try:
                fault = self._dialect.fault_of(answer, call)
            except Exception:  # noqa: BLE001 - a reader that stumbles over an answer says that it is unreadable
                unreadable = True
        advised = _retry_after(answer.headers.get("retry-after"), self.now())
        if fault is not None:
            if fault.action is Action.WAIT and fault.retry_after_s is None and advised is not None:
                return Fault(
                    action=fault.action,
                    code=fault.code,
                    message=fault.message,
                    request_id=fault.request_id,
                    retry_after_s=advised,
                )
            return fault
        if status == 429 or (status == 503 and advised is not None):
            return Fault(action=Action.WAIT, code=code, retry_after_s=advised)
        if 400 <= status < 500 and status not in (408, 425):
            return Fault(action=Action.REFUSE, code=code)
        if status != 200 and not 200 < status < 300:
            return Fault(action=Action.RETRY, code=code)
        return Fault(action=Action.RETRY, code="UNREADABLE") if unreadable else None

    def _judge(self, fault: Fault, call: Call, *, carries_token: bool) -> NoReturn:
        words = f" {shown(fault.message)}" if fault.message else ""
        text = f"{call.name}: {call.place}: {fault.code[:64]}{words}"
        about: dict[str, Any] = {
            "platform": self._dialect.platform,
            "code": fault.code,
            "request_id": fault.request_id,
            "retry_after_s": fault.retry_after_s,
        }
        match fault.action:
            case Action.WAIT:
                # They say that they did nothing, so this is safe for every call.
                raise _Again(RateLimited(text, **about), *_advised(fault))
            case Action.RETRY:
                unavailable = PlatformUnavailable(text, **about)
                if call.safe:
                    raise _Again(unavailable, *_advised(fault))
                raise unavailable
            case Action.REFRESH if carries_token:
                # When the tries are over, a token that is refused however new it is needs somebody to look.
                raise _TokenRefused(PlatformRefused(text, **about), 0.0)
            case Action.MISSING:
                raise PlatformMissing(text, **about)
            case _:
                raise PlatformRefused(text, **about)


def _advised(fault: Fault) -> tuple[float, ...]:
    return () if fault.retry_after_s is None else (fault.retry_after_s, *fault.then_s)


def _pauses(state: Any) -> tuple[float, ...]:
    error = None if state.outcome is None else state.outcome.exception()
    return error.pauses_s if isinstance(error, _Again) else ()


def _retry_after(text: str | None, now: datetime) -> float | None:
    """Read an HTTP pause: seconds, or a date."""
    if not text:
        return None
    text = text.strip()
    if text.isascii() and text.isdigit() and len(text) <= 9:
        return float(text)
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    at = at if at.tzinfo is not None else at.replace(tzinfo=UTC)
    return max(0.0, (at - now).total_seconds())


def plain_sender(
    dialect: Dialect,
    *,
    tokens: TokenStore | None = None,
    client: Any = None,
    options: SendingOptions | None = None,
    clock: Clock | None = None,
    sleep: Sleep | None = None,
    random: Callable[[], float] | None = None,
    monotonic: Callable[[], float] | None = None,
) -> Sender:
    """
    Make a sender for plain hosts; its coroutines never wait, so `drive()` runs them in the calling thread.

    Args:
        dialect: What it has to know of the platform.
        tokens: Where tokens live; memory unless given.
        client: A client with `httpx.Client`'s interface; our own guarded one unless given. With another one, proxies,
            certificates and which addresses a name may lead to are the host's.
        options: Patience and bounds.
        clock: Gives the present moment as an aware datetime.
        sleep: Pauses, in seconds.
        random: Draws the jitter of pauses, 0 to 1.
        monotonic: Counts seconds, for deadlines.
    """
    if is_awaited(tokens):
        raise ConfigError(f"{dialect.platform}: an asynchronous token store was given to a plain source")
    plain = sleep or time.sleep

    async def lifted(seconds: float) -> None:
        plain(seconds)

    return _made(
        dialect,
        awaited=False,
        sleep=lifted,
        tokens=tokens,
        client=client,
        options=options,
        clock=clock,
        random=random,
        monotonic=monotonic,
    )


def async_sender(
    dialect: Dialect,
    *,
    tokens: TokenStore | AsyncTokenStore | None = None,
    client: Any = None,
    options: SendingOptions | None = None,
    clock: Clock | None = None,
    sleep: AsyncSleep | None = None,
    random: Callable[[], float] | None = None,
    monotonic: Callable[[], float] | None = None,
) -> Sender:
    """Make a sender for asynchronous hosts, over `httpx.AsyncClient`'s interface; see `plain_sender`."""
    return _made(
        dialect,
        awaited=True,
        sleep=sleep or _pause,
        tokens=tokens,
        client=client,
        options=options,
        clock=clock,
        random=random,
        monotonic=monotonic,
    )


async def _pause(seconds: float) -> None:
    from crossloyalty.adapters.wire.network import anyio_backend

    await anyio_backend().sleep(seconds)


def _made(
    dialect: Dialect,
    *,
    awaited: bool,
    sleep: AsyncSleep,
    tokens: TokenStore | AsyncTokenStore | None,
    client: Any,
    options: SendingOptions | None,
    clock: Clock | None,
    random: Callable[[], float] | None,
    monotonic: Callable[[], float] | None,
) -> Sender:
    options = options or SendingOptions()
    ticking = monotonic or time.monotonic
    exchange = Exchange(
        client,
        awaited=awaited,
        hosts=dialect.hosts,
        platform=dialect.platform,
        options=options,
        monotonic=ticking,
    )
    return Sender(
        dialect,
        exchange,
        tokens=lift_tokens(tokens or MemoryTokenStore()),
        options=options,
        clock=clock or system_clock,
        sleep=sleep,
        random=random or _random.random,
        monotonic=ticking,
    )
