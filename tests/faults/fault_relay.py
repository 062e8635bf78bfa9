"""A slow line: what connects to `port` reaches a node, late and little by little."""

import asyncio
import threading
from contextlib import suppress
from random import Random
from types import TracebackType

#: Bytes that pass at once.
PIECE = 1 << 14


class Relay:
    """To 127.0.0.1:`target`. Each piece is held for 0 to `seconds`. A context manager, in a thread of its own."""

    def __init__(self, target: int, seconds: float, rng: Random) -> None:
        self._target, self._seconds, self._rng = target, seconds, rng
        self._loop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._ready = threading.Event()
        self.passed = 0

    def __enter__(self) -> "Relay":
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        server = await asyncio.start_server(self._meet, "127.0.0.1", 0)
        self.port: int = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        ends = [writer]
        with suppress(OSError, asyncio.CancelledError):  # the node is not there, or the relay ends
            there = await asyncio.open_connection("127.0.0.1", self._target)
            ends.append(there[1])
            await asyncio.gather(self._pass(reader, there[1]), self._pass(there[0], writer))
        for end in ends:
            end.transport.abort()
        self._tasks.discard(task)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Until the end of what comes, which is passed on too."""
        while piece := await reader.read(PIECE):
            await asyncio.sleep(self._rng.uniform(0, self._seconds))
            writer.write(piece)
            self.passed += len(piece)
            await writer.drain()
        writer.write_eof()
