"""
Runs a coroutine over plain ports to its end, in the caller's own thread.

There is no event loop: None is sent once and the coroutine is expected to end, so a host's open transaction and
thread-locals stay in force.
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

from crossloyalty.errors import ConfigError

__all__ = ["drive"]

_T = TypeVar("_T")


def drive(coroutine: Coroutine[Any, Any, _T]) -> _T:
    """
    Run a coroutine whose ports are plain calls to its end, in this thread.

    Raises:
        ConfigError: It really waited for something, so one of the ports given is an asynchronous one.
    """
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]  # StopIteration.value is typed Any
    coroutine.close()
    raise ConfigError("an asynchronous port was given to a synchronous door; use AsyncLoyalty, or give plain ports")
