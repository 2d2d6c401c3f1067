"""
PyMySQL without its longest step: for each connection it reads all the certificate authorities of the machine.

That takes more time than all else of a short test, and a server that nobody gave certificates to trust is not asked for
one. So one context serves all connections of a process, as one of a host's own would; who names certificates gets what
PyMySQL makes of them.
"""

from __future__ import annotations

from functools import cache
from typing import Any

__all__ = ["share_contexts"]


def share_contexts() -> None:
    """Let connections that name no certificates share one TLS context, from now on in this process."""
    try:
        from pymysql.connections import Connection
    except ImportError:  # whoever needs it hears of it from the server's fixture
        return
    make: Any = Connection._create_ssl_ctx
    if hasattr(make, "shared"):
        return

    @cache
    def shared() -> Any:
        return make(None, {})

    def create(self: Any, named: Any) -> Any:
        return shared() if named == {} else make(self, named)

    create.shared = shared  # type: ignore[attr-defined]
    Connection._create_ssl_ctx = create
