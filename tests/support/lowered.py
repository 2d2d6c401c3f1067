"""An asynchronous storage, spelled plain: its coroutines run in the event loop of a thread of their own."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, TypeVar

__all__ = ["LoopThread", "LoweredStorage"]

_T = TypeVar("_T")


class LoopThread:
    """An event loop that runs in a thread until it is closed; each calling thread has one task in it."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._mine = threading.local()

    def run(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Run a coroutine to its end, in the task that runs all that this thread asks for."""
        answer: concurrent.futures.Future[_T] = concurrent.futures.Future()
        asks = getattr(self._mine, "asks", None)
        if asks is None:
            asks = self._mine.asks = asyncio.run_coroutine_threadsafe(self._begin(), self._loop).result()
        self._loop.call_soon_threadsafe(asks.put_nowait, (work, answer))
        return answer.result()

    def close(self) -> None:
        """End the loop, its tasks and its thread."""
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _begin(self) -> asyncio.Queue[Any]:
        asks: asyncio.Queue[Any] = asyncio.Queue()
        asks.task = asyncio.create_task(_serve(asks))  # type: ignore[attr-defined]  # tasks nobody holds are collected
        return asks

    async def _end(self) -> None:
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _serve(asks: asyncio.Queue[Any]) -> None:
    while True:
        work, answer = await asks.get()
        try:
            answer.set_result(await work)
        except BaseException as error:  # noqa: BLE001 - raised again in the thread that asks
            answer.set_exception(error)


class LoweredStorage:
    """
    See `Storage`.

    Args:
        storage: The asynchronous one; closed with this.
    """

    def __init__(self, storage: Any) -> None:
        self._storage = storage
        self._thread = LoopThread()
        self._closed = False

    def transaction(self, *, readonly: bool = False) -> _Context:
        """See `Storage.transaction`."""
        return _Context(self._thread, self._storage, readonly=readonly)

    def close(self) -> None:
        """Close the storage in its own loop, then end that; twice does no harm."""
        if self._closed:
            return
        self._closed = True

        async def closed() -> None:
            self._storage.close()

        self._thread.run(closed())
        self._thread.close()

    def __enter__(self) -> LoweredStorage:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Context:
    def __init__(self, thread: LoopThread, storage: Any, *, readonly: bool) -> None:
        self._thread = thread
        self._entered = storage.transaction(readonly=readonly)

    def __enter__(self) -> _Transaction:
        return _Transaction(self._thread, self._thread.run(self._entered.__aenter__()))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._thread.run(self._entered.__aexit__(kind, error, trace))


class _Transaction:
    def __init__(self, thread: LoopThread, tx: Any) -> None:
        self._thread = thread
        self._tx = tx

    def lock(self, *given: Any, **named: Any) -> Any:
        return self._thread.run(self._tx.lock(*given, **named))

    def read(self, *given: Any, **named: Any) -> Any:
        return self._thread.run(self._tx.read(*given, **named))

    def write(self, *given: Any, **named: Any) -> None:
        self._thread.run(self._tx.write(*given, **named))
