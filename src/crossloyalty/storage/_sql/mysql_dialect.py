"""
The words MySQL 5.7, MySQL 8 and 9 and MariaDB 10.6 have in common.

Text in keys is kept as bytes: every collation these servers share calls some different texts equal (letter case,
trailing blanks, full-width digits), and an order number must never equal another one.
"""

from __future__ import annotations

import re
from typing import Final

import attrs

from crossloyalty.storage._sql.dialect import Dialect

__all__ = ["MYSQL", "MYSQL_ALIASED", "takes_alias"]

MYSQL: Final = Dialect(
    name="mysql",
    placeholder="%s",
    # Five of them and an integer are the widest index, 2,568 of the 3,072 bytes InnoDB allows.
    text_key="varbinary(512)",
    text="mediumtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
    integer="bigint",
    many="rows",
    quote="`",
    table_options="ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
    clustered_options="ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
    partial_indexes=False,
    lock_suffix=" FOR UPDATE",
    share_suffix=" LOCK IN SHARE MODE",
    read_key="CONVERT({} USING utf8mb4)",
    # PyMySQL takes longer to read the descriptions of the columns than the server takes to find the rows.
    read_row="JSON_ARRAY({})",
    put=" ON DUPLICATE KEY UPDATE {sets}",
    given="VALUES({})",  # MySQL 8.0.20 would rather have an alias, which MariaDB and 5.7 do not know; 9.7 takes both
    transactional_ddl=False,
)
# Where the driver asks for every warning: aiomysql and asyncmy, on a connection of the host's.
MYSQL_ALIASED: Final = attrs.evolve(MYSQL, put=f" AS given{MYSQL.put}", given="given.{}")

_RELEASE: Final = re.compile(r"([0-9]+)\.([0-9]+)\.([0-9]+)(?!.*(?:MariaDB|TiDB|Vitess))", re.IGNORECASE)
# dev.mysql.com/doc/refman/8.0/en/insert-on-duplicate.html, read 2026-11.
_VALUES_DEPRECATED: Final = (8, 0, 20)


def takes_alias(version: str) -> bool:
    """
    Say whether a server warns of `VALUES(column)` and takes an alias for the new row instead.

    Args:
        version: What `VERSION()` gives; of one that cannot be told the answer is no, because all take the older words.
    """
    found = _RELEASE.match(version)
    return found is not None and tuple(map(int, found.groups())) >= _VALUES_DEPRECATED
