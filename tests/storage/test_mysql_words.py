"""The words that MySQL 5.7, newer MySQL and MariaDB have in common: nothing newer is said."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from crossloyalty.storage._sql.ddl import schema
from crossloyalty.storage._sql.host_words import words_of
from crossloyalty.storage._sql.mysql_dialect import MYSQL, takes_alias
from crossloyalty.storage._sql.mysql_server import MysqlWords
from crossloyalty.storage._sql.versions import drop_sql, install_sql, version_sql

# What MySQL 5.7 lacks, with what has it (dev.mysql.com/doc/refman/8.0/en/keywords.html and the pages of the statements,
# mariadb.com/kb; read 2026-11).
NEWER: Final[dict[str, str]] = {
    r"\bWITH (?!CONSISTENT SNAPSHOT)": "8.0.1, common table expressions",
    r"\bOVER ?\(": "8.0.2, window functions",
    r"\bLATERAL\b": "8.0.14",
    r"\bNOWAIT\b": "8.0.1",
    r"\bSKIP LOCKED\b": "8.0.1",
    r"\bFOR SHARE\b": "8.0.1",
    r"\) AS \S+ ON DUPLICATE\b": "8.0.19, the alias of a new row",
    r"\bVALUES ROW\b": "8.0.19",
    r"\bTABLE \S+ ORDER\b": "8.0.19, TABLE as a query",
    r"\bCHECK ?\(": "8.0.16, before which it is read and not kept",
    r"\bDEFAULT ?\(": "8.0.13",
    r"\(\(": "8.0.13, functional key parts",
    r"\bINVISIBLE\b": "8.0.0",
    r"\bRETURNING\b": "MariaDB 10.5 alone",
    r"\b(INTERSECT|EXCEPT)\b": "8.0.31",
    r"\bJSON_(TABLE|VALUE|OVERLAPS|SCHEMA_VALID)\b": "8.0.4 and later",
    r"\bJSON_(ARRAYAGG|OBJECTAGG|MERGE_PATCH|MERGE_PRESERVE|PRETTY)\b": "5.7.22",
    r"\bREGEXP_\w+": "8.0.4",
    r"\b(UUID_TO_BIN|BIN_TO_UUID|GROUPING|ANY_VALUE)\b": "8.0.0",
    r"\butf8mb4_0900\w*": "8.0.1",
    r"\bCREATE( UNIQUE)? INDEX IF NOT EXISTS\b": "MariaDB alone",
}
# InnoDB's widest index in a row format of DYNAMIC (dev.mysql.com/doc/refman/5.7/en/innodb-limits.html, read 2026-11).
WIDEST_INDEX_BYTES: Final = 3_072


def newer_words(sql: str) -> dict[str, str]:
    """Give what a text says that MySQL 5.7 does not know, and what does."""
    said = re.sub(r"--.*|`\w+`|'[^']*'", "x", sql)
    return {found[0]: since for words, since in NEWER.items() if (found := re.search(words, said, re.IGNORECASE))}


@pytest.mark.parametrize(
    ("sql", "since"),
    [
        ("SELECT `a` FROM `t` WHERE `b` = %s FOR SHARE", "8.0.1"),
        ("SELECT `a` FROM `t` FOR UPDATE SKIP LOCKED", "8.0.1"),
        ("INSERT INTO `t` (`a`) VALUES (%s) AS given ON DUPLICATE KEY UPDATE `a` = given.`a`", "8.0.19"),
        ("INSERT INTO `t` (`a`) VALUES (%s) RETURNING `a`", "MariaDB"),
        ("WITH x AS (SELECT 1) SELECT * FROM x", "8.0.1"),
        ("CREATE INDEX `i` ON `t` ((`a` + 1))", "8.0.13"),
        ("CREATE TABLE `t` (`a` bigint CHECK (`a` > 0))", "8.0.16"),
    ],
)
def test_a_newer_word_is_found(sql: str, since: str) -> None:
    """Each kind of statement that would be tempting."""
    assert any(known.startswith(since) for known in newer_words(sql).values())


def test_no_statement_says_what_mysql_57_does_not_know() -> None:
    """The reviewed text, what sessions and transactions begin with, and what installs and removes the schema."""
    reviewed = Path(__file__).with_name("mysql.sql").read_text(encoding="utf-8").splitlines()
    session = words_of("mysql").session
    assert session is not None
    texts = [
        *reviewed,
        *MysqlWords.begin,
        *MysqlWords.begin_readonly,
        session[0].sql,
        *(call.sql for call in words_of("mysql").opening("here", writing=True)),
        *install_sql(MYSQL),
        *drop_sql(MYSQL),
        version_sql(MYSQL),
    ]
    assert {text: newer for text in texts if (newer := newer_words(text))} == {}


def test_every_index_is_narrow_enough() -> None:
    """A key of the longest texts fits; a wider one would be refused when the schema is made."""
    found = 0
    for sql in schema(MYSQL).values():
        sizes = {
            name: int(size or 8) + ("NOT NULL" not in rest) + (2 if size else 0)
            for name, size, rest in re.findall(r"^  `(\w+)` (?:varbinary\((\d+)\)|bigint)(.*?),?$", sql, re.MULTILINE)
        }
        if sizes:
            columns = sizes
        keys = re.findall(r"PRIMARY KEY \((.*)\)", sql) + re.findall(r"^CREATE INDEX .* \((.*)\)$", sql)
        for key in keys:
            found += 1
            assert sum(columns[name] for name in re.findall(r"`(\w+)`", key)) <= WIDEST_INDEX_BYTES, sql
    assert found > len(schema(MYSQL)) // 2


@pytest.mark.parametrize(
    ("version", "alias"),
    [
        ("5.7.21-1ubuntu1", False),
        ("8.0.19", False),
        ("8.0.20", True),
        ("8.4.3-log", True),
        ("9.7.4-2", True),
        ("10.6.21-MariaDB-log", False),
        ("5.5.5-10.11.19-MariaDB-0+deb12u1", False),
        ("11.8.3-MariaDB", False),
        ("8.0.11-TiDB-v8.5.0", False),
        ("8.0.mysql_aurora.3.08.0", False),
        ("who knows", False),
    ],
)
def test_the_alias_is_for_those_who_ask_for_it(version: str, alias: bool) -> None:
    """MySQL from 8.0.20 on warns of VALUES(column), which all others need."""
    assert takes_alias(version) is alias


@pytest.mark.parametrize(("version", "said"), [("9.7.4-2", "AS given ON DUPLICATE"), ("10.11.19-MariaDB", "VALUES(`")])
def test_a_guest_speaks_as_its_server_does(version: str, said: str) -> None:
    """In the host's transaction the words follow the version that the session was asked for."""
    words = words_of("mysql")
    assert words.session is not None
    many = words.session[1]([(version, "STRICT_TRANS_TABLES", *["utf8mb4"] * 3)]) or words.many
    form = next(sql for sql, form in many.statements.forms.items() if form.op == "update" and not form.shape.is_root)
    given = many.statements.forms[form].given
    (call,) = many.changes(form, [(1,) * len(given)] * 2, known=True)
    assert said in call.sql
