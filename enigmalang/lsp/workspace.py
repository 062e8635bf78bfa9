"""The open documents and their newest snapshots; compiles in one worker thread and drops what has become stale.

Everything here runs on the event loop but `_work`, `_complete` and `_programs`, which the worker thread runs alone.
"""

import asyncio
import gc
import logging
import re
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from enigmalang.compiler.incremental import Memory
from enigmalang.diagnostics import Diagnostic, Sink
from enigmalang.lsp.budgets import budget_faults, counts
from enigmalang.lsp.budgets import texts as texts_of
from enigmalang.lsp.buffers import Buffer, BufferLoader, Modules
from enigmalang.lsp.positions import Encoding
from enigmalang.lsp.shift import Shift
from enigmalang.lsp.snapshot import Found, Good, Snapshot, Stale, complete, find
from enigmalang.lsp.spread import Spread
from enigmalang.lsp.view import View
from enigmalang.source import SourceFile
from enigmalang.syntax.formatting import Layouts, Refused
from enigmalang.syntax.parser import read_source

log = logging.getLogger(__name__)

#: Seconds between the last key and the compiler, at most, and what a check may take so that it need not wait at all.
LONGEST_DELAY = 0.2
AT_ONCE = 0.15
#: Seconds that a text must have stood before its budgets are counted.
BUDGET_DELAY = 0.3
#: Seconds that a question waits for the tables of the newest text before the last ones have to do.
PATIENCE = 0.06


def _settle() -> None:
    """What a whole check left stays for long: the collector need not look through it again and again, which would take
    longer than an answer may."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()


def _added(found: Found, faults: tuple[Diagnostic, ...]) -> Found:
    return replace(found, snapshot=replace(found.snapshot, diagnostics=(*found.snapshot.diagnostics, *faults)))


class Workspace:
    """`tell` is called on the loop with each document whose diagnostics are new (None: it was closed), and `ready`
    with each whose tables are."""

    def __init__(
        self, tell: Callable[[Buffer, Snapshot | None], None], ready: Callable[[Buffer], None] = lambda buffer: None,
    ) -> None:
        self.buffers: dict[str, Buffer] = {}
        self.snapshots: dict[str, Snapshot] = {}
        self.encoding = Encoding()
        self._tell = tell
        self._ready = ready
        self._modules = Modules()
        self._folder: dict[str, tuple[object, Good]] = {}  # programs that are not open, by path
        self._worker = ThreadPoolExecutor(1, "compile")
        self._counter = ThreadPoolExecutor(1, "budgets")  # nothing that is asked waits for it
        self._counted: dict[str, tuple[object, tuple[Diagnostic, ...]]] = {}  # by path: the budgets of these texts
        self._wanted: dict[str, int] = {}  # by path: the newest request to compile it
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._took: dict[str, float] = {}
        self._layouts: dict[str, Layouts] = {}
        self._last: dict[str, Good] = {}  # the worker's own: the newest tables of each document

    # ---- documents

    def open(self, buffer: Buffer) -> None:
        self.buffers[buffer.path] = buffer
        self.refresh(buffer.path, 0)
        self._others(buffer.path)

    def changed(self, buffer: Buffer) -> None:
        took = self._took.get(buffer.path, 0)
        self.refresh(buffer.path, 0 if took < AT_ONCE else LONGEST_DELAY)

    def close(self, path: str) -> None:
        buffer = self.buffers.pop(path, None)
        self.snapshots.pop(path, None)
        self._wanted.pop(path, None)
        self._layouts.pop(path, None)
        self._counted.pop(path, None)
        if (timer := self._timers.pop(path, None)) is not None:
            timer.cancel()
        if buffer is not None:
            self._tell(buffer, None)
            self._others(path)

    def refresh_all(self) -> None:
        """Files may have changed on the disk."""
        for path in self.buffers:
            self.refresh(path, 0)

    def stop(self) -> None:
        """Ends the worker thread once it has noticed that nothing is wanted any more."""
        self._wanted.clear()
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        for executor in (self._worker, self._counter):
            executor.shutdown(wait=False, cancel_futures=True)

    # ---- compiling

    def refresh(self, path: str, delay: float) -> None:
        """Compile the document after `delay` seconds, unless it is asked for again before."""
        self._wanted[path] = self._wanted.get(path, 0) + 1
        if (timer := self._timers.pop(path, None)) is not None:
            timer.cancel()
        if delay:
            self._timers[path] = asyncio.get_running_loop().call_later(delay, self._start, path)
        else:
            self._start(path)

    def _start(self, path: str) -> None:
        self._timers.pop(path, None)
        if path in self.buffers:
            self._running[path] = self._own(self._compile(path, self._wanted[path]))

    def _own(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a bug in EnigmaLang: the compiler failed", exc_info=error)

    async def _compile(self, path: str, ticket: int) -> None:
        """Diagnostics are told as soon as they are found; the tables for questions come after."""
        buffer = self.buffers[path]
        before = self.snapshots.get(path)
        texts: dict[str, SourceFile] = {b.path: b.source for b in self.buffers.values()}
        loop = asyncio.get_running_loop()

        def stale() -> bool:
            return self._wanted.get(path) != ticket

        try:
            found, took = await loop.run_in_executor(
                self._worker, self._work, buffer.source, buffer.version, texts, stale)
            if stale() or path not in self.buffers:
                return
            self._took[path] = took
            found = self._with_budgets(found, path)
            self.snapshots[path] = found.snapshot
            self._tell(buffer, found.snapshot)
            snapshot = await loop.run_in_executor(self._worker, self._complete, found, stale)
        except Stale:
            return
        if stale() or path not in self.buffers:
            return
        self.snapshots[path] = snapshot
        self._ready(buffer)
        if took > AT_ONCE:
            await loop.run_in_executor(self._worker, _settle)
        if before is None or before.source.text != snapshot.source.text:
            self._others(path)
        if snapshot.module is not None:
            self._own(self._prepare(buffer.source, path, stale))
        if counts(found) and path not in self._counted:
            self._own(self._count(found, path, stale))

    def _with_budgets(self, found: Found, path: str) -> Found:
        """With what was counted already, if that was of these very texts."""
        kept = self._counted.get(path)
        if kept is None or not counts(found) or kept[0] != texts_of(found):
            self._counted.pop(path, None)
            return found
        return _added(found, kept[1])

    async def _count(self, found: Found, path: str, stale: Callable[[], bool]) -> None:
        """Tell what is wrong with the budgets, a moment after all else."""
        await asyncio.sleep(BUDGET_DELAY)
        if stale():
            return
        faults = await asyncio.get_running_loop().run_in_executor(self._counter, budget_faults, found)
        if stale() or path not in self.buffers:
            return
        self._counted[path] = texts_of(found), faults
        if faults:
            snapshot = self.snapshots[path]
            self.snapshots[path] = replace(snapshot, diagnostics=(*snapshot.diagnostics, *faults))
            self._tell(self.buffers[path], self.snapshots[path])

    async def _prepare(self, source: Spread, path: str, stale: Callable[[], bool]) -> None:
        """Lay out what is new while nothing else is to be done, for a formatting request to come."""
        if stale():
            return
        layouts = self._layouts.setdefault(path, Layouts())
        await asyncio.get_running_loop().run_in_executor(
            self._worker, layouts.prepare, source.real.text, path, stale)

    def _work(
        self, source: SourceFile, version: int, texts: dict[str, SourceFile], stale: Callable[[], bool],
    ) -> tuple[Found, float]:
        """What is wrong with the document, and how many seconds of the processor it took to find out."""
        if stale():
            raise Stale
        began = time.thread_time()
        self._modules.keep_only(texts)
        self._last = {path: good for path, good in self._last.items() if path in texts}
        memory, last = self._modules.memory(source.path), self._last.get(source.path)
        found = find(source, version, texts, self._modules, memory, last, stale)
        return found, time.thread_time() - began

    def _complete(self, found: Found, stale: Callable[[], bool]) -> Snapshot:
        """The tables; the first ones also when the text has changed since, for the versions after it."""
        first = found.snapshot.good is None
        snapshot = complete(found, (lambda: False) if first else stale)
        if snapshot.good is not None:
            self._last[snapshot.source.path] = snapshot.good
        return snapshot

    def _others(self, path: str) -> None:
        """Documents that import the one at `path`, or may want to."""
        for other, snapshot in list(self.snapshots.items()):
            if other != path and other in self.buffers and (
                    snapshot.good is None or path in snapshot.good.paths
                    or any(d.code in ("E0103", "E0104", "E0105") for d in snapshot.diagnostics)):
                self.refresh(other, 0)

    async def formatted(self, buffer: Buffer) -> str:
        """What `enig fmt` would give; what stayed as it was since the last time is not laid out again.

        Raises formatting.Refused for a text with syntax errors.
        """
        source = buffer.source
        snapshot = self.snapshots.get(source.path)
        if snapshot is None or snapshot.source.text != source.text:
            module = await asyncio.get_running_loop().run_in_executor(
                self._worker, self._modules.of_text, source, Sink())
        else:
            module = snapshot.module
        if module is None:
            raise Refused([])
        layouts = self._layouts.setdefault(source.path, Layouts())
        return await asyncio.to_thread(layouts.format, source.real.text, source.path)

    # ---- questions

    def _is_fresh(self, path: str) -> bool:
        snapshot, buffer = self.snapshots.get(path), self.buffers[path]
        return snapshot is not None and snapshot.version == buffer.version and path not in self._timers and (
            path not in self._running or self._running[path].done())

    async def view(self, path: str, patience: float | None = PATIENCE) -> View | None:
        """The document with its tables: those of the newest text if they are there within `patience` seconds (None:
        however long it takes), or else the last ones, asked about the places where the text stood before the change.

        So a question straight after a key is answered in time, and is right but for what the change itself made
        other (a variable's new type is told a moment later). None when the document is not open or was never
        parsed.
        """
        deadline = None if patience is None else time.monotonic() + patience
        while path in self.buffers and not self._is_fresh(path):
            first = path not in self.snapshots or self.snapshots[path].good is None
            if path in self._timers and (first or patience is None):
                self._timers.pop(path).cancel()
                self._start(path)
            left = None if deadline is None or first else deadline - time.monotonic()
            if left is not None and left <= 0:
                break
            running = self._running.get(path)
            if running is not None and not running.done():
                await asyncio.wait([running], timeout=left)
            elif path in self._timers:
                await asyncio.sleep(min(0.01, left or 0.01))
            else:
                break
        buffer, snapshot = self.buffers.get(path), self.snapshots.get(path)
        if buffer is None or snapshot is None or snapshot.good is None:
            return None
        shift = Shift.between(snapshot.good.source, buffer.source)
        return View(buffer.source, snapshot, snapshot.good, self.encoding, shift)

    async def programs(self, around: str) -> list[Good]:
        """Every program of the folder of `around` that can be parsed: open documents as they are now, and files."""
        for path in list(self.buffers):
            await self.view(path, None)
        texts: dict[str, SourceFile] = {b.path: b.source for b in self.buffers.values()}
        mine = [s.good for p, s in self.snapshots.items() if p in self.buffers and s.good is not None]
        rest = await asyncio.get_running_loop().run_in_executor(self._worker, self._programs, around, texts)
        return [*mine, *rest]

    def _programs(self, around: str, texts: dict[str, SourceFile]) -> list[Good]:
        """Files beside `around` that are not open and import something."""
        found = []
        folder = Path(around).parent
        for path in sorted(folder.glob("*.enig")) if folder.is_dir() else ():
            if str(path) in texts:
                continue
            source = read_source(str(path), Sink())
            if source is None or not (str(path) == around or re.search(r"^(?:from|import)\b", source.text, re.M)):
                continue
            good = self._program(source, texts)
            if good is not None:
                found.append(good)
        return found

    def _program(self, source: SourceFile, texts: dict[str, SourceFile]) -> Good | None:
        kept = self._folder.get(source.path)
        if kept is not None and kept[1].source.text == source.text and kept[0] == self._inputs(kept[1], texts):
            return kept[1]
        good = complete(find(source, 0, texts, self._modules, Memory(), None, lambda: False)).good
        if good is not None and good.source.text == source.text:
            self._folder[source.path] = (self._inputs(good, texts), good)
            return good
        return None

    def _inputs(self, good: Good, texts: dict[str, SourceFile]) -> object:
        """The trees of what the program imports, as they are now: the same ones while nothing changed."""
        loader = BufferLoader(good.source.path, texts, self._modules)
        names = [m.name for m in good.checked.modules.values() if m is not good.checked.main]
        return tuple(loader.load(name, Sink()) for name in names)

    async def module_names(self, path: str) -> list[str]:
        """What the document can import."""
        texts = {b.path: b.source for b in self.buffers.values()}
        return [n for n in BufferLoader(path, texts, self._modules).names() if n != Path(path).stem]
