"""Settings of the example; crossloyalty needs its line in INSTALLED_APPS and the options of the databases."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit


def database(url: str) -> dict[str, Any]:
    """Read a URL like postgresql://user:password@host:port/name?option=value into an entry of DATABASES."""
    parts = urlsplit(url)
    options: dict[str, Any] = dict(parse_qsl(parts.query))
    if parts.scheme == "sqlite":
        # Writers wait for each other from the start of atomic(), and not when it is too late.
        options["transaction_mode"] = "IMMEDIATE"
        return {"ENGINE": "django.db.backends.sqlite3", "NAME": parts.path.removeprefix("/"), "OPTIONS": options}
    if parts.scheme == "mysql":
        # The isolation is Django's own default, named because it matters; some versions do not default to this charset.
        options |= {"charset": "utf8mb4", "isolation_level": "read committed"}
        try:
            import MySQLdb  # noqa: F401 - mysqlclient, which Django prefers
        except ImportError:
            import pymysql

            pymysql.install_as_MySQLdb()
    return {
        "ENGINE": f"django.db.backends.{parts.scheme}",
        "NAME": unquote(parts.path.lstrip("/")),
        "HOST": options.pop("unix_socket", None) or options.pop("host", None) or parts.hostname or "",
        "PORT": options.pop("port", None) or parts.port or "",
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "OPTIONS": options,
    }


SECRET_KEY = "for the example only"
ALLOWED_HOSTS = ["testserver"]
ROOT_URLCONF = "urls"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {"default": database(os.environ["DATABASE_URL"])}
INSTALLED_APPS = [
    "crossloyalty.integrations.django",  # our tables, as migrations
    "scrm",
]
