"""
The front doors: `Loyalty` for one program, `Engine` for many, and their async twins.

Both worlds run the same coroutines. `Loyalty` drives them to the end in the calling thread; `AsyncLoyalty` awaits them
or, over a plain storage, sends the whole use case to a thread of its own.
"""

from crossloyalty.loyalty._async import AsyncEngine, AsyncLoyalty
from crossloyalty.loyalty._plain import Engine, Loyalty

__all__ = ["AsyncEngine", "AsyncLoyalty", "Engine", "Loyalty"]
