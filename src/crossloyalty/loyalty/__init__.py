"""
The front doors: `Loyalty` for one program, `Engine` for many, and their async twins.

Both worlds run the same coroutines. `Loyalty` drives them to the end in the calling thread; `AsyncLoyalty` awaits them
or, over a plain storage, sends the whole use case to a thread of its own. The doors stand by topic, each plain one and
its twin in one module.
"""

from crossloyalty.loyalty._engine import AsyncEngine, Engine
from crossloyalty.loyalty._loyalty import AsyncLoyalty, Loyalty

__all__ = ["AsyncEngine", "AsyncLoyalty", "Engine", "Loyalty"]
