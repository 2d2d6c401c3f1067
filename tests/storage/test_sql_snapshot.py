"""The generated SQL, as a text a person reads in a review."""

from __future__ import annotations

from pathlib import Path

import pytest

from crossloyalty.application.ports import Scan
from crossloyalty.domain.records import (
    RECORD_KINDS,
    AccountRecord,
    Key,
    LimitRecord,
    LotRecord,
    MemberRecord,
    OrderRecord,
    SpendDayRecord,
    key_of,
)
from crossloyalty.storage._sql.ddl import checksum, schema
from crossloyalty.storage._sql.dialect import Dialect
from crossloyalty.storage._sql.many import Many
from crossloyalty.storage._sql.mysql_dialect import MYSQL
from crossloyalty.storage._sql.postgresql_dialect import POSTGRESQL
from crossloyalty.storage._sql.sqlite_dialect import SQLITE
from crossloyalty.storage._sql.statements import Statements

DIALECTS = (SQLITE, POSTGRESQL, MYSQL)
HERE = Path(__file__).parent
OLD = ("p", "m", 5, 1)


def render(dialect: Dialect) -> str:
    """Write out every statement of a dialect."""
    statements = Statements(dialect)
    parts = [f"-- checksum {checksum(dialect)}"]
    parts += [f"{sql};" for sql in schema(dialect).values()]
    for kind, about in RECORD_KINDS.items():
        of = statements.of[kind]
        parts.append(f"-- {about.table}")
        texts = [of.select, of.insert, of.replace.sql, of.bump, of.delete]
        parts += [f"{sql};" for sql in dict.fromkeys(texts) if sql]
    parts.append("-- a root of which two fields changed, additions, scans")
    changed = statements.change(MemberRecord, MemberRecord("p", "m"), MemberRecord("p", "m", 1, tier="gold", last_at=5))
    parts.append(f"{changed.sql};" if changed else "")
    parts.append(statements.add(Key(LimitRecord, ("p", "l")), "used", 1, 5)[0] + ";")
    for scan in (
        Scan(LotRecord, ("p", "m")),
        Scan(LotRecord, ("p", "m"), by="by_due", low=0, high=5),
        Scan(LotRecord, ("p", "m"), by="by_due", descending=True, limit=5, after=OLD),
        Scan(OrderRecord, ("p",), by="by_due", high=5, limit=5, after=("p", 5, "jd", "1")),
        Scan(OrderRecord, ("p", "jd"), descending=True, after=("p", "jd", "1")),
        Scan(OrderRecord, ()),
    ):
        parts.append(statements.scan(scan)[0] + ";")
    if dialect.many != "none":
        parts += ["-- many rows at once", *_of_many_rows(Many(statements))]
    return "\n".join(parts) + "\n"


def _of_many_rows(many: Many) -> list[str]:
    """Write out how two rows are looked up, scanned, added, changed and removed."""
    of = many.statements.of[AccountRecord]
    rows = [AccountRecord("p", member, "points", "balance", "own", 1, 1) for member in ("a", "b")]
    keys = [key_of(row) for row in rows]
    roots = [Key(MemberRecord, ("p", member)) for member in ("a", "b")]
    calls = [
        *many.selects(AccountRecord, keys),
        *many.selects(MemberRecord, roots, many.statements.dialect.lock_suffix),
    ]
    scans = [Scan(SpendDayRecord, ("p", member), low="2026-11-01") for member in ("a", "b")]
    calls += [call for call, _places in many.scans(scans)]
    calls += many.changes(of.insert, rows)
    calls += many.changes(of.replace.sql, [of.replace.row(row) for row in rows])
    calls += many.changes(of.replace.sql, [of.replace.row(row) for row in rows], known=True)
    calls += many.changes(of.replace.sql, [of.replace.row(rows[0])])
    calls += many.changes(of.delete, [key.values for key in keys])
    calls += many.changes(many.statements.of[MemberRecord].bump, [(*root.values, 1) for root in roots])
    return [f"{sql};" for sql in dict.fromkeys(call.sql for call in calls)]


@pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)
def test_the_generated_sql_is_the_reviewed_one(dialect: Dialect) -> None:
    """A change of records or generator shows as a change of this text; a released schema changes by a new version."""
    reviewed = HERE / f"{dialect.name}.sql"
    assert render(dialect) == reviewed.read_text(encoding="utf-8"), (
        f"if the new text is right, write it to {reviewed.name}: run this file, and think about stores that exist"
    )


if __name__ == "__main__":
    for each in DIALECTS:
        (HERE / f"{each.name}.sql").write_text(render(each), encoding="utf-8")
