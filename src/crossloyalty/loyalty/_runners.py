"""How a door runs its use cases: in the calling thread, awaited, or in the one thread of a plain storage."""

from __future__ import annotations

import random as _random
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, cast

import attrs

from crossloyalty._bridge import (
    LiftedEnrolmentGateway,
    LiftedPhoneCheck,
    LiftedPhoneCipher,
    LiftedRateLimiter,
    LiftedStorage,
    drive,
    lift_sleep,
)
from crossloyalty.application import (
    claiming,
)
from crossloyalty.application import programs as revisions
from crossloyalty.application.claiming import ClaimRequest
from crossloyalty.application.grouping import GroupCommit
from crossloyalty.application.ports import (
    AsyncEnrolmentGateway,
    AsyncPhoneCipher,
    AsyncRateLimiter,
    AsyncSleep,
    AsyncStorage,
    AsyncTransaction,
    Clock,
    EnrolmentGateway,
    PhoneCheck,
    PhoneCipher,
    RateLimiter,
    Sleep,
    Storage,
)
from crossloyalty.application.world import World, system_clock
from crossloyalty.domain.answers import ClaimResult
from crossloyalty.domain.checks import checked_call, walked
from crossloyalty.domain.program import Program
from crossloyalty.errors import ConfigError, WrongType, shown
from crossloyalty.loyalty._thread_groups import ThreadGroups

if TYPE_CHECKING:
    from crossloyalty.application.checking import ProofChecks
    from crossloyalty.loyalty._task_groups import TaskGroups

__all__ = [
    "AsyncRunner",
    "SyncRunner",
    "checked_program",
    "checked_requests",
    "claim_one",
    "lifted_cipher",
    "lifted_gateway",
    "program_ids",
    "run_here",
]

_T = TypeVar("_T")


def _is_plain(storage: Storage | AsyncStorage) -> bool:
    """Say whether a storage's transactions are entered with a plain `with`."""
    if isinstance(storage, type) or not callable(getattr(storage, "transaction", None)):
        raise ConfigError(f"no storage: {shown(storage)}")
    transaction = storage.transaction(readonly=True)
    if hasattr(transaction, "__aenter__"):
        return False
    if hasattr(transaction, "__enter__"):
        return True
    raise ConfigError(f"no storage: {shown(storage)}")


def _check_calls(clock: object, sleep: object, random: object) -> None:
    for value, name in ((clock, "clock"), (sleep, "sleep"), (random, "random")):
        checked_call(value, name)


def _check_group_commit(group_commit: GroupCommit | None, storage: object) -> None:
    if group_commit is None:
        return
    if not isinstance(group_commit, GroupCommit):
        raise WrongType(f"group_commit is a GroupCommit, not {shown(group_commit)}")
    if getattr(storage, "joins", False):
        raise ConfigError("claims inside a host's own transaction never share one with others; leave group_commit out")


def _joined(storage: Storage | AsyncStorage, connection: object) -> Storage | AsyncStorage:
    joined = getattr(storage, "joined", None)
    if joined is None:
        raise ConfigError(f"a {type(storage).__name__} cannot work inside a transaction of the host's")
    made: Storage | AsyncStorage = joined(connection)
    return made


_InThread: TypeAlias = Callable[[Callable[[], Any]], Awaitable[Any]]


def _own_thread() -> _InThread:
    import asyncio
    import contextvars
    from concurrent.futures import ThreadPoolExecutor

    executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="crossloyalty")

    async def run(call: Callable[[], Any]) -> Any:
        # The host's context (tracing, tenants) goes along into the thread.
        context = contextvars.copy_context()
        return await asyncio.get_running_loop().run_in_executor(executor, lambda: context.run(call))

    return run


def _give_checks(world: World, checks: ProofChecks | None, *, plain: bool) -> None:
    """Spell the host's ports async, and refuse asynchronous ones where everything runs to its end in one thread."""
    if checks is None:
        return
    # Imported here: most hosts bring none.
    from crossloyalty.application.checking import ProofChecks, is_async

    if not isinstance(checks, ProofChecks):
        raise WrongType(f"checks is a ProofChecks, not {shown(checks)}")
    if plain:
        checks.require_plain()
    world.phone_index, world.tokens = checks.phone_index, checks.tokens
    world.phone_cipher = lifted_cipher(checks.phone_cipher, plain=plain)
    phone_check, limiter = checks.phone_check, checks.rate_limiter
    if phone_check is not None:
        ours = is_async(phone_check, "matches")
        world.phone_check = cast(Any, phone_check) if ours else LiftedPhoneCheck(cast(PhoneCheck, phone_check))
    if limiter is not None:
        ours = is_async(limiter, "take")
        world.limiter = cast(Any, limiter) if ours else LiftedRateLimiter(cast(RateLimiter, limiter))


def lifted_cipher(cipher: PhoneCipher | AsyncPhoneCipher | None, *, plain: bool) -> AsyncPhoneCipher | None:
    """
    Spell a cipher async.

    Raises:
        ConfigError: It is asynchronous, and everything runs to its end in one thread.
        WrongType: It is no cipher.
    """
    from crossloyalty.application.checking import is_async

    if cipher is None:
        return None
    if not all(callable(getattr(cipher, name, None)) for name in ("encrypt", "decrypt")):
        raise WrongType(f"a cipher has methods encrypt and decrypt, a {type(cipher).__name__} has not")
    if not is_async(cipher, "decrypt"):
        return LiftedPhoneCipher(cast(PhoneCipher, cipher))
    if plain:
        raise ConfigError(f"{type(cipher).__name__}.decrypt is asynchronous; this door needs a plain one")
    return cast(AsyncPhoneCipher, cipher)


def lifted_gateway(gateway: EnrolmentGateway | AsyncEnrolmentGateway, *, plain: bool) -> AsyncEnrolmentGateway:
    """
    Spell a gateway async.

    Raises:
        ConfigError: It is asynchronous, and everything runs to its end in one thread.
        WrongType: It is no gateway.
    """
    from crossloyalty.application.checking import is_async

    if not callable(getattr(gateway, "enrol", None)):
        raise WrongType(f"a gateway has a method enrol: {shown(gateway)}")
    if not is_async(gateway, "enrol"):
        return LiftedEnrolmentGateway(cast(EnrolmentGateway, gateway))
    if plain:
        raise ConfigError(f"{type(gateway).__name__}.enrol is asynchronous; this door needs a plain one")
    return cast(AsyncEnrolmentGateway, gateway)


class _Runner:
    """What both kinds have in common."""

    __slots__ = ("_apart", "_group_commit", "_storage", "_world")

    def __init__(self, storage: Storage | AsyncStorage, world: World, group_commit: GroupCommit | None) -> None:
        self._storage = storage
        self._world = world
        self._group_commit = group_commit
        # Counts attempts where a host's transaction may roll back what ours would count.
        self._apart: AsyncRateLimiter | None = None

    @property
    def world(self) -> World:
        """The ports for one use case; inside a host's transaction what it learns is kept from all others."""
        if not self._is_provisional():
            return self._world
        world = self._world.provisional()
        if world.limiter is None:
            world.limiter = self._counts_apart()
        return world

    def _counts_apart(self) -> AsyncRateLimiter:
        if self._apart is None:
            from crossloyalty.application.limiting import ProgramLimiter

            # A storage with connections of its own counts in the store; a file, or a connection the host shares with
            # us, cannot be written beside the host's transaction.
            rows: dict[str, Any] | None = None if getattr(self._storage, "has_own_connections", False) else {}
            self._apart = ProgramLimiter(self._world, rows)
        return self._apart

    def _join(self, parent: _Runner) -> None:
        """Count attempts where the runner that this one was made of counts them."""
        self._apart = parent._counts_apart()

    def _is_provisional(self) -> bool:
        return getattr(self._storage, "joins", False)

    def check_own(self, what: str) -> None:
        """
        Refuse what makes transactions of its own between calls to a platform, inside a host's transaction.

        Raises:
            ConfigError: A host's transaction is open around this door.
        """
        if self._is_provisional():
            raise ConfigError(
                f"{what} calls a platform, and no transaction may be open meanwhile; use a door of its own"
            )


class SyncRunner(_Runner):
    """Runs use cases in the calling thread."""

    __slots__ = ("_groups",)

    def __init__(
        self,
        storage: Storage,
        clock: Clock | None,
        sleep: Sleep | None,
        random: Callable[[], float] | None,
        group_commit: GroupCommit | None = None,
        checks: ProofChecks | None = None,
    ) -> None:
        _check_calls(clock, sleep, random)
        _check_group_commit(group_commit, storage)
        self._groups: dict[str, ThreadGroups] = {}
        if not _is_plain(storage):
            raise ConfigError("this storage is asynchronous; use AsyncLoyalty or AsyncEngine with it")
        world = World(
            LiftedStorage(storage), clock or system_clock, lift_sleep(sleep or time.sleep), random or _random.random
        )
        _give_checks(world, checks, plain=True)
        super().__init__(storage, world, group_commit)

    def _is_provisional(self) -> bool:
        # Some join only now and then, as the thread's own transaction is.
        return getattr(self._storage, "is_provisional", False) or super()._is_provisional()

    def joined(self, connection: object) -> SyncRunner:
        """
        Give one that runs use cases inside a host's transaction; group commit is off.

        Raises:
            ConfigError: The connection cannot be joined, or it is asynchronous.
        """
        storage = _joined(self._storage, connection)
        if not _is_plain(storage):
            raise ConfigError("this connection is asynchronous; join it through AsyncLoyalty or AsyncEngine")
        made = SyncRunner.__new__(SyncRunner)
        plain = cast(Storage, storage)
        _Runner.__init__(made, plain, attrs.evolve(self._world, storage=LiftedStorage(plain)), None)
        made._groups = {}
        made._join(self)
        return made

    def run(self, use_case: Coroutine[Any, Any, _T]) -> _T:
        """Run a use case to its end."""
        return drive(use_case)

    def groups(self, program_id: str) -> ThreadGroups | None:
        """Give what the callers of one program share; None: group commit is off."""
        if self._group_commit is None:
            return None
        groups = self._groups.get(program_id)
        if groups is None:
            groups = self._groups.setdefault(program_id, ThreadGroups(self.world, program_id, self._group_commit))
        return groups


class AsyncRunner(_Runner):
    """Awaits use cases, or runs them whole in the one thread of a plain storage."""

    __slots__ = ("_groups", "_pause", "_thread")

    def __init__(
        self,
        storage: Storage | AsyncStorage,
        clock: Clock | None,
        sleep: AsyncSleep | None,
        random: Callable[[], float] | None,
        group_commit: GroupCommit | None = None,
        checks: ProofChecks | None = None,
    ) -> None:
        import asyncio

        _check_calls(clock, sleep, random)
        _check_group_commit(group_commit, storage)
        self._groups: dict[str, TaskGroups] = {}
        self._thread: _InThread | None = None
        self._pause = sleep or asyncio.sleep
        if _is_plain(storage):
            self._thread = getattr(storage, "run_in_its_thread", None) or _own_thread()
            lifted: AsyncStorage = LiftedStorage(cast(Storage, storage))
            pause = lift_sleep(time.sleep)
        else:
            lifted = cast(AsyncStorage, storage)
            pause = self._pause
        world = World(lifted, clock or system_clock, pause, random or _random.random)
        _give_checks(world, checks, plain=self._thread is not None)
        super().__init__(storage, world, group_commit)

    @property
    def is_plain(self) -> bool:
        """Whether use cases run to their end in one thread."""
        return self._thread is not None

    async def first_world(self) -> World:
        """Give the ports for the first use case, which everybody may know of unless it runs in a host's transaction."""
        if self._thread is not None and not await self._thread(lambda: getattr(self._storage, "is_provisional", False)):
            return self._world
        return self.world

    def joined(self, connection: object) -> AsyncRunner:
        """
        Give one that runs use cases inside a host's transaction; group commit is off.

        Raises:
            ConfigError: The connection cannot be joined, or it is a plain one.
        """
        storage = _joined(self._storage, connection)
        if _is_plain(storage):
            raise ConfigError("this connection is a plain one; join it through Loyalty or Engine, in its own thread")
        made = AsyncRunner.__new__(AsyncRunner)
        world = attrs.evolve(self._world, storage=cast(AsyncStorage, storage), sleep=self._pause)
        _Runner.__init__(made, storage, world, None)
        made._groups, made._thread, made._pause = {}, None, self._pause
        made._join(self)
        return made

    async def run(self, use_case: Coroutine[Any, Any, _T]) -> _T:
        """Run a use case to its end; a cancelled task leaves only when its transaction has ended."""
        if self._thread is None:
            return await use_case
        import asyncio

        done = asyncio.ensure_future(self._thread(lambda: drive(use_case)))
        try:
            return await asyncio.shield(done)
        except asyncio.CancelledError:
            # The transaction is in another thread: leave only when it has ended, one way or the other, however often
            # the host asks.
            while not done.done():
                with suppress(asyncio.CancelledError):
                    await asyncio.wait([done])
            if not done.cancelled():
                done.exception()  # looked at, so that nobody is told it was not
            raise

    def groups(self, program_id: str) -> TaskGroups | None:
        """Give what the callers of one program share; None: group commit is off."""
        if self._group_commit is None:
            return None
        groups = self._groups.get(program_id)
        if groups is None:
            # Imported here: asyncio is slow to import, and plain doors do without.
            from crossloyalty.loyalty._task_groups import TaskGroups

            made = TaskGroups(self.world, program_id, self._group_commit, self.run)
            groups = self._groups.setdefault(program_id, made)
        return groups


def checked_requests(requests: Iterable[ClaimRequest]) -> list[ClaimRequest]:
    """
    Take the argument of `claim_many`.

    Raises:
        WrongType: It is no list of `ClaimRequest` values.
    """
    listed = list(walked(requests, "what claim_many takes"))
    for request in listed:
        if not isinstance(request, ClaimRequest):
            raise WrongType(f"claim_many takes ClaimRequest values, not {shown(request)}")
    return listed


def checked_program(program: Program) -> Program:
    """
    Take a program.

    Raises:
        WrongType: It is none.
    """
    if not isinstance(program, Program):
        raise WrongType(f"a Program is needed, not {shown(program)}")
    return program


async def claim_one(world: World, program_id: str, request: ClaimRequest) -> ClaimResult:
    """Claim one order: a batch of one."""
    return (await claiming.claim_orders(world, program_id, [request]))[0]


async def program_ids(world: World) -> list[str]:
    """Name the programs in the store."""

    async def body(tx: AsyncTransaction) -> list[str]:
        return await revisions.all_program_ids(tx)

    return await world.run(body, readonly=True)


async def run_here(use_case: Coroutine[Any, Any, _T]) -> _T:
    """Run the storage's part of a use case where the rest of it runs."""
    return await use_case
