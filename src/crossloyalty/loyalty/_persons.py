"""The person behind a member: two that are one, what is kept of it, and taking that out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Literal

from crossloyalty.loyalty._door import AsyncDoor, Door
from crossloyalty.loyalty._runners import lifted_cipher

if TYPE_CHECKING:
    from crossloyalty.application.erasing import EraseResult
    from crossloyalty.application.exporting import PersonExport
    from crossloyalty.application.merging import MergeResult, UnmergeResult
    from crossloyalty.application.ports import AsyncPhoneCipher, PhoneCipher
    from crossloyalty.application.reindexing import PhoneReindexReport

__all__ = ["AsyncPersons", "Persons"]


class Persons(Door):
    """The doors of synchronous hosts."""

    __slots__ = ()

    def merge(
        self,
        member_id: str,
        other_id: str,
        *,
        key: str,
        survivor: str = "",
        version: int = 0,
        given_twice: Literal["keep", "claw_back"] = "keep",
    ) -> MergeResult:
        """
        Make two members one: what they hold adds up at the survivor, and the other id goes on as an alias (会员合并).

        Args:
            member_id, other_id: The two, in any order.
            key: Idempotency key.
            survivor: Which of the two stands for both; default the smaller id. Given together with *version*.
            version: Of the decision who survives, from 1; of several calls the newest counts, whatever order they
                come in.
            given_twice: What becomes of a reward once per member that both were given: kept, or the later one taken.

        Returns:
            Who survives; two that are one already stay as they are.

        Raises:
            InvalidInput: An id cannot be one, both are the same, or the survivor is neither.
            IdempotencyConflict: The key was used for another request.
        """
        from crossloyalty.application import merging

        return self._run(
            merging.merge(
                self._world,
                self._id,
                member_id,
                other_id,
                key=key,
                survivor=survivor,
                version=version,
                given_twice=given_twice,
            )
        )

    def unmerge(self, member_id: str, *, key: str) -> UnmergeResult:
        """
        Undo a merge: a member that was merged away gets back what it brought, as far as it is still there.

        Args:
            member_id: Who was merged away.
            key: Idempotency key.

        Returns:
            Whether it stood under another member.

        Raises:
            IdempotencyConflict: The key was used for another request.
        """
        from crossloyalty.application import merging

        return self._run(merging.unmerge(self._world, self._id, member_id, key=key))

    def erase_person(self, member_id: str) -> EraseResult:
        """
        Take out everything personal that is kept of somebody, whichever ids they were merged from; idempotent.

        Args:
            member_id: Who.

        Returns:
            Whether anything was there. Ledger sums stay, and order numbers stay taken.
        """
        from crossloyalty.application import erasing

        return self._run(erasing.erase_person(self._world, self._id, member_id))

    def export_person(self, member_id: str, *, operator: str, phone_cipher: PhoneCipher | None = None) -> PersonExport:
        """
        Give everything that is kept about a person, masked; each call is noted as the event `member.exported`.

        Args:
            member_id: Who, by any of their ids.
            operator: Who asks for it.
            phone_cipher: Shows the phones that are kept under it; unless given, they stay masked.
        """
        from crossloyalty.application import exporting

        cipher = lifted_cipher(phone_cipher, plain=True)
        return self._run(
            exporting.export_person(self._world, self._id, member_id, operator=operator, phone_cipher=cipher)
        )

    def reindex_phones(
        self,
        phones: Iterable[str] | None = None,
        *,
        retire: bool = False,
        encrypt: bool = False,
        batch: int = 200,
        progress: Callable[[PhoneReindexReport], None] | None = None,
    ) -> PhoneReindexReport:
        """
        Put what is kept of phones under the current version of the `PhoneIndex` of this door; idempotent.

        Args:
            phones: All there are, in any spelling; read as needed. None: those kept under the cipher of this door.
            retire: Take the old versions out, so that they find nothing any more; else both find the same member.
            encrypt: Hide each of them anew by the cipher, also those that are kept by their index alone.
            batch: Phones or orders a transaction, 1 to 10,000.
            progress: Called after each batch with the counts so far.

        Returns:
            Counts, and the phones that two members have; of those nothing is changed.

        Raises:
            ConfigError: The door was built without a `PhoneIndex`, or without the cipher that is needed.
        """
        from crossloyalty.application import reindexing

        return self._run(
            reindexing.reindex_phones(
                self._world, self._id, phones, retire=retire, encrypt=encrypt, batch=batch, progress=progress
            )
        )


class AsyncPersons(AsyncDoor):
    """The same doors, awaited."""

    __slots__ = ()

    async def merge(
        self,
        member_id: str,
        other_id: str,
        *,
        key: str,
        survivor: str = "",
        version: int = 0,
        given_twice: Literal["keep", "claw_back"] = "keep",
    ) -> MergeResult:
        """See `Loyalty.merge`."""
        from crossloyalty.application import merging

        return await self._run(
            merging.merge(
                self._world,
                self._id,
                member_id,
                other_id,
                key=key,
                survivor=survivor,
                version=version,
                given_twice=given_twice,
            )
        )

    async def unmerge(self, member_id: str, *, key: str) -> UnmergeResult:
        """See `Loyalty.unmerge`."""
        from crossloyalty.application import merging

        return await self._run(merging.unmerge(self._world, self._id, member_id, key=key))

    async def erase_person(self, member_id: str) -> EraseResult:
        """See `Loyalty.erase_person`."""
        from crossloyalty.application import erasing

        return await self._run(erasing.erase_person(self._world, self._id, member_id))

    async def export_person(
        self, member_id: str, *, operator: str, phone_cipher: AsyncPhoneCipher | None = None
    ) -> PersonExport:
        """See `Loyalty.export_person`."""
        from crossloyalty.application import exporting

        cipher = lifted_cipher(phone_cipher, plain=self._runner.is_plain)
        return await self._run(
            exporting.export_person(self._world, self._id, member_id, operator=operator, phone_cipher=cipher)
        )

    async def reindex_phones(
        self,
        phones: Iterable[str] | None = None,
        *,
        retire: bool = False,
        encrypt: bool = False,
        batch: int = 200,
        progress: Callable[[PhoneReindexReport], None] | None = None,
    ) -> PhoneReindexReport:
        """See `Loyalty.reindex_phones`."""
        from crossloyalty.application import reindexing

        return await self._run(
            reindexing.reindex_phones(
                self._world, self._id, phones, retire=retire, encrypt=encrypt, batch=batch, progress=progress
            )
        )
