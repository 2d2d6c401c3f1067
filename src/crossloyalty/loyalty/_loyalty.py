"""One program: all its doors together, and how to open them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from crossloyalty.application import programs as revisions
from crossloyalty.application.grouping import GroupCommit
from crossloyalty.application.ports import AsyncSleep, AsyncStorage, Clock, Sleep, Storage
from crossloyalty.domain.program import Program
from crossloyalty.loyalty._claims import AsyncClaims, Claims
from crossloyalty.loyalty._identities import AsyncIdentities, Identities
from crossloyalty.loyalty._members import AsyncMembers, Members
from crossloyalty.loyalty._operations import AsyncOperations, Operations
from crossloyalty.loyalty._orders import AsyncOrders, Orders
from crossloyalty.loyalty._persons import AsyncPersons, Persons
from crossloyalty.loyalty._runners import AsyncRunner, SyncRunner, checked_program
from crossloyalty.loyalty._running import AsyncRunning, Running

if TYPE_CHECKING:
    from crossloyalty.application.checking import ProofChecks

__all__ = ["AsyncLoyalty", "Loyalty"]


class Loyalty(Orders, Claims, Identities, Members, Persons, Operations, Running):
    """
    One program over a plain storage, for synchronous hosts.

    Args:
        program: The rules; published into an empty store, compared with the newest revision otherwise.
        storage: Where the program lives.
        clock: Gives the present moment as an aware datetime; the system's clock unless given.
        sleep: Pauses between the tries of a contended call, in seconds.
        random: Draws the jitter of those pauses, 0 to 1.
        group_commit: Let concurrent calls of `claim` share transactions; off unless given.
        checks: What phones and tokens are checked by, and who counts attempts; see `ProofChecks`.

    Raises:
        ProgramDiffers: The store holds other rules under this program id; call `publish` instead.
        ConfigError: The storage is asynchronous, or `group_commit` is given with one that joins a host's transaction.
    """

    __slots__ = ()

    def __init__(
        self,
        program: Program,
        storage: Storage,
        *,
        clock: Clock | None = None,
        sleep: Sleep | None = None,
        random: Callable[[], float] | None = None,
        group_commit: GroupCommit | None = None,
        checks: ProofChecks | None = None,
    ) -> None:
        self._runner = SyncRunner(storage, clock, sleep, random, group_commit, checks)
        self._id = checked_program(program).program_id
        self._groups = self._runner.groups(self._id)
        self._run(revisions.publish_first(self._world, program))

    @classmethod
    def _of(cls, runner: SyncRunner, program_id: str) -> Loyalty:
        door = cls.__new__(cls)
        door._runner = runner
        door._id = program_id
        door._groups = runner.groups(program_id)
        return door

    def joined(self, connection: object) -> Loyalty:
        """
        Give a door to the same program that works inside the transaction the host has open on a connection.

        Each call takes a savepoint in it and never commits; a "no" of ours leaves the host's work as it was. Answers
        are provisional until the host commits: tell the member afterwards. Group commit is off.

        Args:
            connection: To the database of this door's storage: a driver's, SQLAlchemy's `Connection` or `Session`, or
                Django's `connections[alias]`.

        Returns:
            A door for as long as the transaction lasts; making one costs next to nothing.

        Raises:
            ConfigError: The connection cannot be joined, or is asynchronous. Later, by each call: the host has no
                transaction open.
            HostTransactionLost: Later, by each call: the host's transaction can no longer commit and has to be rolled
                back.
        """
        return Loyalty._of(self._runner.joined(connection), self._id)


class AsyncLoyalty(
    AsyncOrders, AsyncClaims, AsyncIdentities, AsyncMembers, AsyncPersons, AsyncOperations, AsyncRunning
):
    """
    One program for asynchronous hosts; the same methods as `Loyalty`, awaited.

    Args:
        program: As for `Loyalty`; published or compared at the first call.
        storage: An asynchronous storage, or a plain one: then every use case runs whole in one thread of its own, and a
            cancelled call leaves only when its transaction has ended.
        clock, random: As for `Loyalty`.
        sleep: Awaited between tries over an asynchronous storage; a plain one pauses in its own thread.
        group_commit, checks: As for `Loyalty`; ports may be asynchronous over an asynchronous storage.
    """

    __slots__ = ()

    def __init__(
        self,
        program: Program,
        storage: Storage | AsyncStorage,
        *,
        clock: Clock | None = None,
        sleep: AsyncSleep | None = None,
        random: Callable[[], float] | None = None,
        group_commit: GroupCommit | None = None,
        checks: ProofChecks | None = None,
    ) -> None:
        self._runner = AsyncRunner(storage, clock, sleep, random, group_commit, checks)
        self._id = checked_program(program).program_id
        self._groups = self._runner.groups(self._id)
        self._program: Program | None = program
        self._parent = self  # who publishes the program, if it has to be

    @classmethod
    def _of(cls, runner: AsyncRunner, program_id: str) -> AsyncLoyalty:
        door = cls.__new__(cls)
        door._runner = runner
        door._id = program_id
        door._groups = runner.groups(program_id)
        door._program = None
        door._parent = door
        return door

    def joined(self, connection: object) -> AsyncLoyalty:
        """
        See `Loyalty.joined`.

        Args:
            connection: An asynchronous one: of psycopg, aiomysql or asyncmy, or SQLAlchemy's `AsyncConnection` or
                `AsyncSession`; used by this task alone. A call that is cancelled in the middle of a statement costs
                the host its transaction.
        """
        door = AsyncLoyalty._of(self._runner.joined(connection), self._id)
        door._parent = self._parent
        return door
