"""Connections of Django in this process: settings without databases, and one alias a connection."""

from __future__ import annotations

import importlib.util
from itertools import count
from pathlib import Path
from typing import Any

import django
import pymysql
from django.conf import settings
from servers import Server

__all__ = ["connected", "forget"]

if importlib.util.find_spec("MySQLdb") is None:  # mysqlclient has to be compiled; Django takes PyMySQL's stand-in
    pymysql.install_as_MySQLdb()
if not settings.configured:
    settings.configure(DATABASES={}, USE_TZ=True)
    django.setup()

from django.db import connections

_NUMBERS = count(1)


def connected(where: Server | Path, **options: Any) -> Any:
    """Give a connection under an alias nobody else has; `options` are Django's `OPTIONS`."""
    alias = f"planted_{next(_NUMBERS)}"
    if isinstance(where, Path):
        entry: dict[str, Any] = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(where)}
    else:
        entry = {
            "ENGINE": f"django.db.backends.{where.kind}",
            "NAME": where.database,
            "HOST": where.host,
            "PORT": "" if where.is_socket and where.kind == "mysql" else str(where.port),
            "USER": where.user,
            "PASSWORD": where.password,
        }
    entry["OPTIONS"] = options
    # As if it stood in DATABASES: every thread makes a connection of its own.
    connections.settings[alias] = connections.configure_settings({"default": entry})["default"]
    return connections[alias]


def forget(connection: Any) -> None:
    """Close it and forget its alias."""
    connection.close()
    del connections[connection.alias]
    del connections.settings[connection.alias]
