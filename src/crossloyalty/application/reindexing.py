"""
Move blind indexes of phones to the key of a new version.

An index cannot be turned round, so the phones come from the host, or out of what its cipher has hidden. Each is looked
up under all versions there are keys of. Between the first run and the one that retires the old versions a phone is
bound under all of them, so orders that name it by either convert; the last digits of a phone are so few that nobody has
to bring them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import Final, TypeAlias, cast

import attrs

from crossloyalty.application.deciding import StartAgain
from crossloyalty.application.phones import hidden, open_phone, require_index
from crossloyalty.application.ports import (
    AsyncPhoneCipher,
    AsyncTransaction,
    Change,
    Delete,
    Insert,
    Replace,
    Scan,
)
from crossloyalty.application.programs import program_hint
from crossloyalty.application.standing import links_key
from crossloyalty.application.world import World
from crossloyalty.domain.checks import checked_call, walked
from crossloyalty.domain.identities import PHONE
from crossloyalty.domain.links import Links
from crossloyalty.domain.phones import PhoneIndex, normal_phone
from crossloyalty.domain.records import (
    BindingRecord,
    BuyerRecord,
    Key,
    MemberGrantRecord,
    MemberRecord,
    OrderRecord,
    RootKey,
    TicketRecord,
    key_of,
)
from crossloyalty.domain.rotation import TwoMembers, blank, reindexed_facts, reindexed_proof, united
from crossloyalty.errors import ConfigError, InvalidInput, WrongType, shown

__all__ = ["PhoneConflict", "PhoneReindexReport", "reindex_phones"]

# Phones whose indexes are held in memory for one walk over the orders.
_WALK: Final = 100_000
_KEPT_CONFLICTS: Final = 1_000


@attrs.frozen
class PhoneConflict:
    """
    A phone that is bound under two versions to different members; nothing of it was changed.

    Args:
        phone_index: Its index of the current version.
        members: Who have it.
    """

    phone_index: str
    members: tuple[str, ...]


@attrs.define
class PhoneReindexReport:
    """
    What a re-index has done so far.

    Args:
        seen: Phones the host gave.
        moved: Of which what was known changed in this call.
        already: Of which all was in place.
        unknown: That are no identity under any version.
        invalid: That were no phones; of ciphertexts, those that do not hold the phone they are kept with.
        conflicts: Phones of two members, the first 1,000 of them.
        conflict_count: How many there were in all.
        orders: Orders whose indexes were replaced.
        tickets: Requests whose proofs were.
        batches: Batches of phones.
    """

    seen: int = 0
    moved: int = 0
    already: int = 0
    unknown: int = 0
    invalid: int = 0
    conflicts: list[PhoneConflict] = attrs.field(factory=list)
    conflict_count: int = 0
    orders: int = 0
    tickets: int = 0
    batches: int = 0

    def add_conflict(self, conflict: PhoneConflict) -> None:
        """Note a phone of two members."""
        self.conflict_count += 1
        if len(self.conflicts) < _KEPT_CONFLICTS:
            self.conflicts.append(conflict)


@attrs.frozen
class _Job:
    """One call of `reindex_phones`."""

    world: World
    program_id: str
    index: PhoneIndex
    retire: bool
    batch: int
    report: PhoneReindexReport
    progress: Callable[[PhoneReindexReport], None] | None
    cipher: AsyncPhoneCipher | None
    encrypt: bool

    def keys(self, phone: str) -> tuple[Key, ...]:
        """Name the identities of a phone, old versions in front, the current one last."""
        index = self.index
        versions = [*(each for each in index.versions if each != index.current), index.current]
        texts = [index.of(self.program_id, "phone", phone, version) for version in versions]
        return tuple(Key(BuyerRecord, (self.program_id, PHONE, "", text)) for text in texts)

    def news(self, field: str, values: Iterable[str]) -> dict[str, str]:
        """Give the current index of each value by its old ones."""
        index, found = self.index, dict[str, str]()
        for value in values:
            now = index.of(self.program_id, field, value, index.current)
            for version in index.versions:
                if version != index.current:
                    found[index.of(self.program_id, field, value, version)] = now
        return found

    async def opened(self, row: BuyerRecord) -> str:
        """Give the phone of an identity out of its ciphertext; what belongs to another index is no phone."""
        if self.cipher is None:
            return ""
        phone = await open_phone(self.cipher, self.program_id, row.ciphertext)
        try:
            its = self.index.every(self.program_id, "phone", normal_phone(phone))
        except InvalidInput:
            return ""
        return phone if row.buyer_id in its else ""

    def tell(self) -> None:
        """Say how far it is."""
        if self.progress is not None:
            self.progress(self.report)


async def reindex_phones(
    world: World,
    program_id: str,
    phones: Iterable[str] | None = None,
    *,
    retire: bool = False,
    encrypt: bool = False,
    batch: int = 200,
    progress: Callable[[PhoneReindexReport], None] | None = None,
) -> PhoneReindexReport:
    """
    Put what is kept of phones under the current version of the key (F-49, I-82); again, it changes nothing.

    Args:
        world: The ports, with a `PhoneIndex` that has the keys of both versions.
        program_id: The program.
        phones: In any spelling; read as needed, 100,000 of them at a time are held in memory. None: those that are kept
            under the cipher.
        retire: Take the old versions out, so that they find nothing any more; else both find the same member.
        encrypt: Hide each of them anew, also those that are kept by their index alone; each run changes them then.
        batch: Phones or orders a transaction, 1 to 10,000.
        progress: Called after each batch with the counts so far.

    Returns:
        Counts, and the phones that two members have. A call that broke off goes on when it is repeated.

    Raises:
        ConfigError: The door was built without a `PhoneIndex`, or without the cipher that is needed.
        InvalidInput: *batch* is out of range.
        Whatever the cipher itself raises; batches before that are stored.
    """
    if type(batch) is not int or not 1 <= batch <= 10_000:
        raise InvalidInput(f"a batch has 1 to 10000 phones, not {shown(batch)}")
    for value, name in ((retire, "retire"), (encrypt, "encrypt")):
        if type(value) is not bool:
            raise WrongType(f"{name} is True or False, not {shown(value)}")
    checked_call(progress, "progress")
    if isinstance(phones, str | bytes | bytearray):
        raise WrongType("what reindex_phones takes is a list of phones")  # it may be a phone, so it is not shown
    index, cipher = require_index(world), world.phone_cipher
    if cipher is None and (phones is None or encrypt):
        raise ConfigError("phones are read and hidden by a PhoneCipher; build the door with one in its ProofChecks")
    report = PhoneReindexReport()
    job = _Job(world, program_id, index, retire, batch, report, progress, cipher, encrypt)
    take = _kept(job) if phones is None else _given(walked(phones, "what reindex_phones takes"))
    await program_hint(world, program_id)
    first = True
    while (chunk := await _chunk(job, take)) or first:
        if len(index.versions) > 1:
            news = job.news("phone", chunk)
            await _walk(job, OrderRecord, 3, news, tails=first)
            await _walk(job, TicketRecord, 4, news, tails=first)
        first = False
    return job.report


_Take: TypeAlias = Callable[[int], Awaitable[list[str]]]


def _given(phones: Iterable[str]) -> _Take:
    rest = iter(phones)

    async def take(count: int) -> list[str]:
        return list(islice(rest, count))

    return take


def _kept(job: _Job) -> _Take:
    """Give the phones that are kept under a cipher, which is called between transactions; none at the end."""
    after: tuple[str | int, ...] | None = None
    over = False

    async def take(count: int) -> list[str]:
        nonlocal after, over
        phones: list[str] = []
        while not phones and not over:
            scan = Scan(BuyerRecord, (job.program_id, PHONE), limit=count, after=after)

            async def look(tx: AsyncTransaction, scan: Scan = scan) -> Sequence[BuyerRecord]:
                return cast("Sequence[BuyerRecord]", (await tx.read(scans=[scan])).rows[0])

            rows = await job.world.run(look, readonly=True)
            over = len(rows) < count
            after = rows[-1][:4] if rows else after
            phones = [await job.opened(row) for row in rows if row.ciphertext]
        return phones

    return take


async def _chunk(job: _Job, take: _Take) -> list[str]:
    """Move the identities of as many phones as one walk over the orders takes."""
    done: list[str] = []
    while len(done) < _WALK and (given := await take(job.batch)):
        report = job.report
        report.seen += len(given)
        report.batches += 1
        phones: list[str] = []
        for each in given:
            try:
                phones.append(normal_phone(each))
            except (InvalidInput, WrongType):
                report.invalid += 1
        if phones:
            await _identities(job, list(dict.fromkeys(phones)), len(phones))
            done += phones
        job.tell()
    return done


# -- identities ------------------------------------------------------------------------------------------------------


async def _identities(job: _Job, phones: Sequence[str], given: int) -> None:
    places = {phone: job.keys(phone) for phone in phones}
    sealed: dict[Key, str] = {}
    every = [key for keys in places.values() for key in keys]

    async def look(tx: AsyncTransaction) -> tuple[list[tuple[Key, ...]], list[Key]]:
        # Only what is there is locked, since a lock makes the rows that are missing.
        held = cast("Mapping[Key, BuyerRecord]", (await tx.read(every)).records)
        there = [keys for keys in places.values() if any(_says_something(held.get(key)) for key in keys)]
        members = {held[key].member_id for keys in there for key in keys if key in held} - {""}
        roots = [Key(MemberRecord, (job.program_id, each)) for each in sorted(members)]
        names = [links_key(job.program_id, each) for each in sorted(members)]
        links = cast("Sequence[MemberGrantRecord]", list((await tx.read(names)).records.values())) if names else ()
        under = {each for row in links for each in Links.from_text(row.grant).absorbed}
        roots += [Key(MemberRecord, (job.program_id, each)) for each in sorted(under - members)]
        return there, roots

    async def body(tx: AsyncTransaction) -> tuple[int, list[PhoneConflict]]:
        versions = await tx.lock([*(key for keys in there for key in keys), *members])
        if (await look(tx)) != (there, members):
            raise StartAgain
        return await _move(job, tx, there, members, versions, sealed)

    while True:
        there, members = await job.world.run(look, readonly=True)
        moved, conflicts = 0, list[PhoneConflict]()
        if job.encrypt and job.cipher is not None:
            for phone, keys in places.items():
                if keys in there and keys[-1] not in sealed:
                    sealed[keys[-1]] = await hidden(job.cipher, job.program_id, phone)
        if there:
            try:
                moved, conflicts = await job.world.run(body)
            except StartAgain:
                continue
        break
    report = job.report
    report.moved += moved
    report.already += len(there) - moved - len(conflicts) + given - len(phones)
    report.unknown += len(phones) - len(there)
    for conflict in conflicts:
        report.add_conflict(conflict)


def _says_something(row: BuyerRecord | None) -> bool:
    return row is not None and row != blank(row)


async def _move(
    job: _Job,
    tx: AsyncTransaction,
    there: Sequence[tuple[Key, ...]],
    members: Sequence[Key],
    versions: Mapping[RootKey, int],
    sealed: Mapping[Key, str],
) -> tuple[int, list[PhoneConflict]]:
    keys = [key for each in there for key in each]
    names = [links_key(job.program_id, str(root.values[1])) for root in members]
    found = await tx.read([*keys, *names], [Scan(BindingRecord, key.values) for key in keys])
    rows = {key: cast(BuyerRecord, found.records[key]) for key in keys}
    histories = {key: list(cast("Sequence[BindingRecord]", part)) for key, part in zip(keys, found.rows, strict=True)}
    now = job.world.now()
    replaced: list[BuyerRecord] = []
    gone: list[BindingRecord] = []
    changed: list[BindingRecord] = []
    begun: list[BindingRecord] = []
    conflicts: list[PhoneConflict] = []
    renamed: dict[tuple[str, ...], list[tuple[str, ...]]] = {}
    touched: set[str] = set()
    moved = 0
    for each in there:
        current = each[-1]
        try:
            one, _ = united(rows[current], [rows[key] for key in each], [histories[key] for key in each], now)
        except TwoMembers as two:
            conflicts.append(PhoneConflict(str(current.values[3]), tuple(two.members)))
            continue
        stay = [current] if job.retire else list(each)
        differs = False
        for key in each:
            if key in stay:
                row, history = united(rows[key], [rows[name] for name in each], [histories[name] for name in each], now)
            else:
                row, history = blank(rows[key]), []
            if row.member_id and current in sealed:
                row = row._replace(ciphertext=sealed[current])
            before = {held[:5]: held for held in histories[key]}
            after = {held[:5]: held for held in history}
            if row == rows[key] and before == after:
                continue
            differs = True
            replaced.append(row)
            gone += [held for name, held in before.items() if name not in after]
            changed += [held for name, held in after.items() if name in before and before[name] != held]
            begun += [held for name, held in after.items() if name not in before]
        moved += differs
        touched |= {one.member_id} - {""}
        names_now = [cast("tuple[str, ...]", key.values[1:]) for key in stay]
        renamed.update((cast("tuple[str, ...]", key.values[1:]), names_now) for key in each)
    carried: list[MemberGrantRecord] = []
    for name in names:
        links_row = cast("MemberGrantRecord | None", found.records.get(name))
        if links_row is not None and (now_text := _renamed(links_row.grant, renamed)) != links_row.grant:
            carried.append(links_row._replace(grant=now_text))
            touched.add(links_row.member_id)
    changes: list[Change] = [Delete(key_of(row)) for row in gone]
    for rows_of in (replaced, changed, carried):
        if rows_of:
            changes.append(Replace.of(cast("Sequence[BuyerRecord]", rows_of)))
    if begun:
        changes.append(Insert.of(begun))
    if changes:
        roots = {key: versions[key] for key in (Key(BuyerRecord, row[:4]) for row in replaced)}
        # Bumped as well, so that no merge of the member goes by without what it has now.
        roots |= {root: versions[root] for root in members if root.values[1] in touched}
        await tx.write(changes, roots=roots, final=True)
    return moved, conflicts


def _renamed(text: str, names: Mapping[tuple[str, ...], Sequence[tuple[str, ...]]]) -> str:
    """What was brought along by a merge goes back under its new names."""
    links = Links.from_text(text)
    if not any(each in names for each in links.identities):
        return text
    found = [name for each in links.identities for name in names.get(each, (each,))]
    return attrs.evolve(links, identities=tuple(dict.fromkeys(found))).text()


# -- orders and requests ---------------------------------------------------------------------------------------------


async def _walk(
    job: _Job, kind: type[OrderRecord] | type[TicketRecord], key_length: int, news: dict[str, str], *, tails: bool
) -> None:
    """Walk over all orders, or all requests, and change those that name an old index."""
    after: tuple[str | int, ...] | None = None
    while True:
        scan = Scan(kind, (job.program_id,), limit=job.batch, after=after)

        async def look(tx: AsyncTransaction, scan: Scan = scan) -> Sequence[OrderRecord | TicketRecord]:
            return cast("Sequence[OrderRecord | TicketRecord]", (await tx.read(scans=[scan])).rows[0])

        rows = await job.world.run(look, readonly=True)
        if tails and any(_may_name_an_end(row) for row in rows):
            news.update(job.news("phone_tail", (f"{tail:04}" for tail in range(10_000))))
            tails = False
        due = [row for row in rows if _reindexed(job, row, news) != row]
        if due:
            done = await _rewrite(job, [key_of(row) for row in due], news)
            if kind is OrderRecord:
                job.report.orders += done
            else:
                job.report.tickets += done
            job.tell()
        if len(rows) < job.batch:
            return
        after = cast("tuple[str | int, ...]", rows[-1][:key_length])


def _may_name_an_end(row: OrderRecord | TicketRecord) -> bool:
    return '"receiver_tail_index"' in row.facts if isinstance(row, OrderRecord) else '"marks"' in row.proof


def _reindexed(job: _Job, row: OrderRecord | TicketRecord, news: Mapping[str, str]) -> OrderRecord | TicketRecord:
    if isinstance(row, OrderRecord):
        phone_index = news.get(row.phone_index or "", row.phone_index)
        return row._replace(facts=reindexed_facts(row.facts, news), phone_index=phone_index)
    return row._replace(proof=reindexed_proof(row.proof, news, retire=job.retire))


async def _rewrite(job: _Job, keys: Sequence[Key], news: Mapping[str, str]) -> int:
    async def body(tx: AsyncTransaction) -> int:
        roots = list(dict.fromkeys(Key(OrderRecord, key.values[:3]) for key in keys))
        versions = await tx.lock(roots)
        found = cast("Mapping[Key, OrderRecord | TicketRecord]", (await tx.read(keys)).records)
        changed = [new for row in found.values() if (new := _reindexed(job, row, news)) != row]
        if changed:
            touched = {root: versions[root] for root in (Key(OrderRecord, row[:3]) for row in changed)}
            await tx.write([Replace.of(changed)], roots=touched, final=True)
        return len(changed)

    return await job.world.run(body)
