"""
What is remembered: one named tuple a table.

A record is a tuple because that is what database drivers take and give, so a row costs no conversion.
The first `KEY` fields are the primary key and begin with `program_id`. Field types are the whole type system:
`str` is text, `int` a 64-bit integer, `| None` may be absent. Fields that end in `_at` are instants, in microseconds
since 1970 UTC: no driver, session time zone or SQL mode can bend an integer. A `day` is a local date, `YYYY-MM-DD`.
An unknown reference inside an index is the empty text, because NULL sorts differently in every database.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple, TypeAlias

__all__ = [
    "NEVER",
    "RECORD_KINDS",
    "ROOT_KINDS",
    "AccountRecord",
    "AliasRecord",
    "BindingRecord",
    "BuyerRecord",
    "ClaimRecord",
    "DeliveryRecord",
    "DoubtRecord",
    "EnrolmentRecord",
    "EntryRecord",
    "EventRecord",
    "Key",
    "Kind",
    "LimitRecord",
    "LotRecord",
    "MemberGrantRecord",
    "MemberRecord",
    "MessageRecord",
    "OrderRecord",
    "ProgramRecord",
    "Record",
    "RequestRecord",
    "RootKey",
    "SourceRecord",
    "SpendDayRecord",
    "TagRecord",
    "TicketRecord",
    "WatchRecord",
    "key_of",
]

# A lot that is alive and has nothing to come; sorts behind every instant.
NEVER: Final = 2**53 - 1


class SourceRecord(NamedTuple):
    """
    Root: how far one list of one shop has been read, and who reads it now.

    Everything that became visible before `read_to_at` is in. A window that is half read stands in `window_from_at` and
    `window_to_at` (0: none), with the page to go on with.
    """

    program_id: str
    platform: str
    shop_id: str
    feed: str
    version: int = 0
    read_to_at: int = 0
    window_from_at: int = 0
    window_to_at: int = 0
    page: str = ""
    lease_id: str = ""
    lease_ends_at: int = 0


class BuyerRecord(NamedTuple):
    """
    Root: an identity, such as a platform's buyer, and the member it is bound to.

    `family` is the platform's family, or the kind of identity where no order carries it. `binding_no` numbers the
    latest row of `bindings`; until `free_at` an unbound identity is bound to nobody but `last_member_id`. `ciphertext`
    is a bound phone as the host's cipher gave it, "" where the host keeps none.
    """

    program_id: str
    family: str
    scope: str
    buyer_id: str
    version: int = 0
    member_id: str = ""
    bound_at: int | None = None
    evidence: str = ""
    blocked_reason: str = ""
    blocked_until: int | None = None
    binding_no: int = 0
    last_member_id: str = ""
    free_at: int | None = None
    ciphertext: str = ""


class OrderRecord(NamedTuple):
    """
    Root: one order number; exists from the first ingest or the first ticket.

    From `platform` to `coming_at` it repeats what the facts say, so that lists need not read them. `status` is empty
    while no source has described the order; `coming_at` is `effective_at` while it is paid and not finished.
    """

    program_id: str
    family: str
    order_no: str
    version: int = 0
    next_due_at: int | None = None
    platform: str = ""
    shop_id: str = ""
    buyer_scope: str = ""
    buyer_id: str = ""
    owner_id: str = ""
    effective_at: int = 0
    status: str = ""
    paid_fen: int = 0
    coming_at: int | None = None
    facts: str = ""
    attempts: str = ""
    phone_index: str | None = None


class MemberRecord(NamedTuple):
    """Root: one member, with the heads of its two chains and its tier."""

    program_id: str
    member_id: str
    version: int = 0
    next_due_at: int | None = None
    created_at: int | None = None
    last_at: int = 0
    entry_seq: int = 0
    entry_hash: str = ""
    event_seq: int = 0
    event_hash: str = ""
    tier: str = ""
    tier_on: str = ""
    qualifications: str = ""
    blocked_reason: str = ""
    blocked_until: int | None = None
    attempts: str = ""


class LimitRecord(NamedTuple):
    """Root: a shared counter that guarded additions keep below a bound."""

    program_id: str
    limit_id: str
    version: int = 0
    used: int = 0
    attempts: str = ""


class ProgramRecord(NamedTuple):
    """One published revision of the rules; append-only."""

    program_id: str
    revision: int
    digest: str
    content: str
    published_at: int


class AliasRecord(NamedTuple):
    """Another number under which customers know an order, such as a sub-order's."""

    program_id: str
    family: str
    alias_no: str
    order_no: str


class BindingRecord(NamedTuple):
    """One time that an identity was bound to a member, or that somebody wanted it to be: the history of an identity."""

    program_id: str
    family: str
    scope: str
    buyer_id: str
    binding_no: int
    member_id: str
    state: str
    via: str
    evidence: str
    bound_at: int
    ended_at: int | None
    ended_why: str


class EnrolmentRecord(NamedTuple):
    """One side on which a member is to be enrolled, such as the shop of another system, and how far that has come."""

    program_id: str
    member_id: str
    side: str
    state: str
    attempt_no: int
    asked_at: int
    decided_at: int
    external_id: str
    detail: str


class TicketRecord(NamedTuple):
    """A member's request for an order number; never takes the claim key."""

    program_id: str
    family: str
    order_no: str
    member_id: str
    state: str
    reason: str
    via: str
    proof: str
    requested_at: int
    decided_at: int
    expires_at: int
    touch: str


class ClaimRecord(NamedTuple):
    """The conversion of one order; its key is taken for ever."""

    program_id: str
    family: str
    order_no: str
    member_id: str
    holder_no: int
    state: str
    via: str
    revision: int
    calc: int
    requested_at: int
    claimed_at: int
    effective_at: int
    platform: str
    spend_day: str
    net_fen: int
    gross_fen: int
    tier_before: str
    touch: str
    grants: str


class EntryRecord(NamedTuple):
    """One append-only ledger row; one-sided, the contra account is its kind."""

    program_id: str
    member_id: str
    seq: int
    asset: str
    book: str
    account: str
    account_seq: int
    amount: int
    balance_after: int
    kind: str
    lot_no: int
    family: str
    order_no: str
    holder_no: int
    rule_id: str
    request_key: str
    at: int
    hash: str


class AccountRecord(NamedTuple):
    """The cached sum of one account's entries."""

    program_id: str
    member_id: str
    asset: str
    account: str
    book: str
    balance: int
    seq: int


class LotRecord(NamedTuple):
    """
    A batch of one asset with its own expiry; `lot_no` is the seq of the entry that opened it.

    `blocked` is 1 while an open refund keeps it pending; `activated` is 1 once it was spendable, so that what is issued
    into it again keeps its original expiry.
    """

    program_id: str
    member_id: str
    lot_no: int
    asset: str
    book: str
    state: str
    granted: int
    remaining: int
    held: int
    expired: int
    blocked: int
    issue_at: int
    expires_at: int | None
    due_at: int | None
    family: str
    order_no: str
    holder_no: int
    rule_id: str
    activated: int


class SpendDayRecord(NamedTuple):
    """A member's qualifying spend of one local day, in fen."""

    program_id: str
    member_id: str
    day: str
    spend_fen: int


class TagRecord(NamedTuple):
    """One source of a member: the claims with eligible net behind it, and their sums."""

    program_id: str
    member_id: str
    tag: str
    claims: int
    net_fen: int
    first_at: int
    last_at: int


class MemberGrantRecord(NamedTuple):
    """
    A reward that exists once per member: how many claims qualify for it, and what was given.

    What a cap has let through stands here too, under `#cap:` and the cap's id: how much, and in which period. All that
    is counted by member is read at once, because a settlement needs all of it.
    """

    program_id: str
    member_id: str
    rule_id: str
    claims: int
    grant: str


class DeliveryRecord(NamedTuple):
    """An external effect we answer for; written with the entry of the same seq."""

    program_id: str
    member_id: str
    seq: int
    gateway: str
    lane: int
    kind: str
    delivery_key: str
    payload: str
    state: str
    attempt_no: int
    next_due_at: int | None
    created_at: int


class EventRecord(NamedTuple):
    """
    Events for the host that happened to a member at once, in one row because they are written and read together.

    *seq* numbers the first of *size* events, *content* lists them as JSON. `pending`, `acked` (bit n: the n-th is
    acknowledged) and `published_no` change as they are read; the rest is in the hash.
    """

    program_id: str
    member_id: str
    seq: int
    size: int
    at: int
    content: str
    hash: str
    pending: int
    acked: int
    published_no: int | None


class RequestRecord(NamedTuple):
    """An idempotency key and the answer it was given."""

    program_id: str
    request_key: str
    digest: str
    outcome: str
    at: int


class MessageRecord(NamedTuple):
    """One message a platform pushed; it only says what to fetch, and its key is taken for as long as it is kept."""

    program_id: str
    platform: str
    shop_id: str
    message_id: str
    state: str
    received_at: int
    sent_at: int | None
    topic: str
    order_no: str
    refund_id: str
    tries: int
    error: str


class DoubtRecord(NamedTuple):
    """An order or refund that a platform told in a way that cannot be believed; it waits for somebody to look."""

    program_id: str
    family: str
    order_no: str
    subject: str
    last_at: int
    first_at: int
    platform: str
    shop_id: str
    code: str
    detail: str
    payload: str


class WatchRecord(NamedTuple):
    """A finished order that is fetched again now and then, because its platform lists no later refunds."""

    program_id: str
    platform: str
    shop_id: str
    order_no: str
    next_at: int
    ends_at: int


Record: TypeAlias = (
    BuyerRecord
    | OrderRecord
    | MemberRecord
    | LimitRecord
    | ProgramRecord
    | AliasRecord
    | BindingRecord
    | EnrolmentRecord
    | TicketRecord
    | ClaimRecord
    | EntryRecord
    | AccountRecord
    | LotRecord
    | SpendDayRecord
    | TagRecord
    | MemberGrantRecord
    | DeliveryRecord
    | EventRecord
    | RequestRecord
    | SourceRecord
    | MessageRecord
    | DoubtRecord
    | WatchRecord
)


class Kind(NamedTuple):
    """
    What storage needs to know about one record class.

    Args:
        table: Its name.
        key_length: How many of the first fields are the key.
        indexes: The fields each index is sorted by.
        filled: For an index, a text field of it; rows where that is empty are of nobody, and the index does not list
            them. Most orders of a marketplace are of buyers who are no members.
    """

    table: str
    key_length: int
    indexes: Mapping[str, tuple[str, ...]] = {}
    filled: Mapping[str, str] = {}


class Key(NamedTuple):
    """The primary key of one record."""

    kind: type[Record]
    values: tuple[str | int, ...]


RootKey: TypeAlias = Key

RECORD_KINDS: Final[Mapping[type[Record], Kind]] = {
    BuyerRecord: Kind("buyers", 4, {"by_member": ("program_id", "member_id", "family", "scope", "buyer_id")}),
    OrderRecord: Kind(
        "orders",
        3,
        {
            "by_due": ("program_id", "next_due_at", "family", "order_no"),
            "by_owner": ("program_id", "owner_id", "effective_at", "family", "order_no"),
            "by_coming": ("program_id", "owner_id", "coming_at", "family", "order_no"),
            "by_buyer": ("program_id", "family", "buyer_scope", "buyer_id", "effective_at", "order_no"),
            "by_phone": ("program_id", "phone_index", "effective_at", "family", "order_no"),
        },
        {"by_owner": "owner_id", "by_coming": "owner_id", "by_buyer": "buyer_id"},
    ),
    MemberRecord: Kind("members", 2, {"by_due": ("program_id", "next_due_at", "member_id")}),
    LimitRecord: Kind("limits", 2),
    ProgramRecord: Kind("programs", 2),
    AliasRecord: Kind("aliases", 3),
    BindingRecord: Kind(
        "bindings",
        5,
        {
            "by_member": ("program_id", "member_id", "bound_at", "family", "scope", "buyer_id", "binding_no"),
            "by_state": ("program_id", "state", "bound_at", "family", "scope", "buyer_id", "binding_no"),
        },
    ),
    EnrolmentRecord: Kind("enrolments", 3, {"by_state": ("program_id", "side", "state", "asked_at", "member_id")}),
    TicketRecord: Kind(
        "tickets",
        4,
        {
            "by_member": ("program_id", "member_id", "requested_at", "family", "order_no"),
            "by_state": ("program_id", "state", "requested_at", "family", "order_no", "member_id"),
        },
    ),
    ClaimRecord: Kind("claims", 3, {"by_member": ("program_id", "member_id", "effective_at", "family", "order_no")}),
    EntryRecord: Kind("entries", 3),
    AccountRecord: Kind("accounts", 4),
    LotRecord: Kind(
        "lots",
        3,
        {
            "by_due": ("program_id", "member_id", "due_at", "lot_no"),
            "by_asset": ("program_id", "member_id", "asset", "state", "due_at", "lot_no"),
        },
    ),
    SpendDayRecord: Kind("spend_days", 3),
    TagRecord: Kind("tags", 3),
    MemberGrantRecord: Kind("member_grants", 3),
    DeliveryRecord: Kind("deliveries", 3, {"by_state": ("program_id", "state", "lane", "member_id", "seq")}),
    EventRecord: Kind("events", 3, {"by_pending": ("program_id", "pending", "at", "member_id", "seq")}),
    RequestRecord: Kind("requests", 2),
    SourceRecord: Kind("sources", 4),
    MessageRecord: Kind(
        "messages",
        4,
        {"by_state": ("program_id", "state", "platform", "shop_id", "received_at", "message_id")},
    ),
    DoubtRecord: Kind("doubts", 4, {"by_last": ("program_id", "last_at", "family", "order_no", "subject")}),
    WatchRecord: Kind("watches", 4, {"by_next": ("program_id", "platform", "shop_id", "next_at", "order_no")}),
}

# The global lock order (then by key).
ROOT_KINDS: Final[tuple[type[Record], ...]] = (
    SourceRecord,
    BuyerRecord,
    OrderRecord,
    MemberRecord,
    LimitRecord,
)

_KEY_LENGTHS: Final = {kind: about.key_length for kind, about in RECORD_KINDS.items()}


def key_of(record: Record) -> Key:
    """Give the primary key of a record."""
    kind = type(record)
    return Key(kind, record[: _KEY_LENGTHS[kind]])  # type: ignore[arg-type]  # key fields are never None
