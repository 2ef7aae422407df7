"""What stands in for the world outside: time, and a platform that answers as a test says.

The platforms' own stand-ins are the sandbox, over real sockets.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from alerts.delivery.worker import Work, Worker
from alerts.model.delivery import SendOutcome, SendResult, Target
from alerts.model.errors import Rejected
from alerts.model.ports import Clock, Discussion, Keyboard, Probe
from alerts.model.post import Message, Quota, Receipt

_QUIET_ROUNDS = 12


class WorkOutside:
    """What was handed to threads and isn't done yet; whoever waits for it rests until it is."""

    def __init__(self) -> None:
        self._pieces = 0
        self._waiting: list[asyncio.Future[None]] = []

    @property
    def goes_on(self) -> bool:
        return self._pieces > 0

    @contextmanager
    def piece(self) -> Iterator[None]:
        """One piece of it, from when it is handed over until its outcome is here."""
        self._pieces += 1
        try:
            yield
        finally:
            self._pieces -= 1
            while not self._pieces and self._waiting:
                waiting = self._waiting.pop()
                if not waiting.done():
                    waiting.set_result(None)

    async def done(self) -> None:
        """Return once nothing is left of it."""
        self._waiting.append(waiting := asyncio.get_running_loop().create_future())
        await waiting


class FakeClock:
    """A clock that stands still until a test winds it with `advance`.

    `work` is what goes on outside the loop (in a database's threads): the time doesn't move before it is done.
    """

    def __init__(
        self, start: datetime = datetime(2026, 11, 25, 12, 0, tzinfo=UTC), work: WorkOutside | None = None
    ) -> None:
        self._base = start
        self._elapsed = 0.0
        self._work = work
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._count = 0

    def now(self) -> datetime:
        return self._base + timedelta(seconds=self._elapsed)

    def monotonic(self) -> float:
        return self._elapsed

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._count += 1
        heapq.heappush(self._sleepers, (self._elapsed + seconds, self._count, future))
        await future

    async def advance(self, seconds: float) -> None:
        """Wind forward, waking each sleeper at its own time, in order."""
        until = self._elapsed + seconds
        await self.settle()
        while self._sleepers and self._sleepers[0][0] <= until:
            due, _, future = heapq.heappop(self._sleepers)
            if future.done():
                continue
            self._elapsed = due
            future.set_result(None)
            await self.settle()
        self._elapsed = until

    async def settle(self) -> None:
        """Let everything happen that can without the time moving."""
        quiet = 0
        while quiet < _QUIET_ROUNDS:
            await asyncio.sleep(0)
            quiet += 1
            if self._work is not None and self._work.goes_on:
                await self._work.done()
                quiet = 0

    def set(self, now: datetime) -> None:
        """Set the wall clock, as an administrator or NTP does: nobody is woken."""
        self._base = now - timedelta(seconds=self._elapsed)


def begun(clock: Clock, work: Work) -> asyncio.Task[None]:
    """A loop that runs from now on, in a task of its own."""
    return asyncio.create_task(Worker(work, clock).run(), name=work.name)


@dataclass(frozen=True, slots=True)
class Asked:
    """One call of a channel: what, with which words or id, and when."""

    what: str
    text: str
    at: datetime
    elapsed: float
    to: str | None = None
    known: frozenset[str] = frozenset()
    since: datetime | None = None
    reply_to: str | None = None


@dataclass(frozen=True, slots=True)
class Late:
    """An answer that takes its time; a hang is one that takes for ever."""

    seconds: float
    answer: Receipt | Exception | None = None


HANGS = Late(1e9)
Answer = Receipt | Probe | Exception | Late | None


class PlainChannel:
    """A channel that can only publish. It answers as its script says, in order, and with a receipt after that."""

    def __init__(self, clock: Clock, **script: Sequence[Answer]) -> None:
        self.clock = clock
        self.script = {what: deque(answers) for what, answers in script.items()}
        self.asked: list[Asked] = []
        self.told_quotas: Sequence[Quota] = ()
        self._ids = 0

    @property
    def published(self) -> list[Asked]:
        return self.calls("publish")

    def calls(self, what: str) -> list[Asked]:
        return [asked for asked in self.asked if asked.what == what]

    def texts(self) -> list[str]:
        return [asked.text for asked in self.published]

    async def open(self) -> None:
        await self._answer("open", "")

    async def close(self) -> None:
        await self._answer("close", "")

    async def publish(self, message: Message, reply_to: str | None = None) -> Receipt:
        self._ids += 1
        receipt = Receipt(str(self._ids), f"https://platform.example/{self._ids}")
        answer = await self._answer("publish", message.plain, to=reply_to)
        return answer if isinstance(answer, Receipt) else receipt

    async def probe(self) -> Probe:
        answer = await self._answer("probe", "")
        return answer if isinstance(answer, Probe) else Probe("@town")

    def quotas(self) -> Sequence[Quota]:
        return self.told_quotas

    async def _answer(
        self,
        what: str,
        text: str,
        *,
        to: str | None = None,
        known: frozenset[str] = frozenset(),
        since: datetime | None = None,
        reply_to: str | None = None,
    ) -> Answer:
        self.asked.append(Asked(what, text, self.clock.now(), self.clock.monotonic(), to, known, since, reply_to))
        script = self.script.get(what)
        answer = script.popleft() if script else None
        if isinstance(answer, Late):
            await self.clock.sleep(answer.seconds)
            answer = answer.answer
        if isinstance(answer, Exception):
            raise answer
        return answer


class ScriptedChannel(PlainChannel):
    """A channel that can also edit, delete and be searched; nothing is found unless the script says so."""

    async def edit(self, remote_id: str, message: Message) -> Receipt:
        answer = await self._answer("edit", message.plain, to=remote_id)
        return answer if isinstance(answer, Receipt) else Receipt(remote_id)

    async def delete(self, remote_id: str) -> None:
        await self._answer("delete", "", to=remote_id)

    async def find(
        self,
        message: Message,
        since: datetime,
        after: str | None,
        known: frozenset[str],
        reply_to: str | None = None,
    ) -> Receipt | None:
        answer = await self._answer("find", message.plain, to=after, known=known, since=since, reply_to=reply_to)
        return answer if isinstance(answer, Receipt) else None


class DroppingChannel(PlainChannel):
    """A channel whose receiver knows a post again by its id, and keeps what it was told of each."""

    drops_repeats = True

    def __init__(self, clock: Clock, **script: Sequence[Answer]) -> None:
        super().__init__(clock, **script)
        self.messages: list[Message] = []

    async def publish(self, message: Message, reply_to: str | None = None) -> Receipt:
        self.messages.append(message)
        return await super().publish(message, reply_to)


class RepeatingOnceChannel(DroppingChannel):
    """A channel where nobody can look and most receivers drop a repeat, not all, as with e-mail."""

    drops_repeats = False
    repeats_once = True


class NeverRepeatingChannel(ScriptedChannel):
    """A channel that can be searched, where a second post would cost money, as with SMS."""

    never_repeats = True


class ScriptedTells:
    """Hands a message to a chat as its script says, by chat and in order; it is out after that.

    `taken` is what the platform took, in order; `most` how many were under way at once.
    """

    def __init__(self, clock: Clock, script: dict[int, list[SendOutcome | Exception | Late]] | None = None) -> None:
        self.clock = clock
        self.script = script or {}
        self.asked: list[tuple[float, Target]] = []
        self.taken: list[Target] = []
        self.lasts = 0.0
        self.under_way = 0
        self.most = 0

    async def tell(self, target: Target) -> SendResult:
        self.asked.append((self.clock.monotonic(), target))
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            return await self._answer(target)
        finally:
            self.under_way -= 1

    async def _answer(self, target: Target) -> SendResult:
        answers = self.script.get(target.chat)
        answer = answers.pop(0) if answers else SendOutcome.SENT
        await self.clock.sleep(answer.seconds if isinstance(answer, Late) else self.lasts)
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, SendOutcome) and answer is not SendOutcome.SENT:
            return SendResult(target, answer)
        self.taken.append(target)
        return SendResult(target, SendOutcome.SENT, len(self.taken))


class FakePace:
    """A bot's pace that counts the turns it gave, and how long it was to halt."""

    def __init__(self) -> None:
        self.taken = 0
        self.halted: list[float] = []

    @property
    def halted_for(self) -> float:
        return self.halted[-1] if self.halted else 0.0

    @asynccontextmanager
    async def direct(self) -> AsyncIterator[None]:
        self.taken += 1
        yield

    def halt(self, seconds: float) -> None:
        self.halted.append(seconds)


class FakeLine:
    """A bot's line to Telegram. `batches` come in, one a poll; each thing that is said meets the next of `troubles`."""

    def __init__(self) -> None:
        self.said: list[tuple[int, str]] = []
        self.troubles: deque[Exception | None] = deque()
        self.batches: deque[Sequence[Mapping[str, Any]] | Exception] = deque()
        self.offsets: list[int] = []
        self.toasts: list[str] = []
        self.admins: set[int] = set()
        self.introductions = 0
        self.webhooks: list[tuple[str, str]] = []
        self.files: dict[str, bytes | Exception] = {}
        self.keyboards: list[Keyboard | None] = []
        self.linked: Discussion | Exception = Discussion(-1001)

    async def say(
        self, chat: int, text: str, keyboard: Keyboard | None = None, edit: int | None = None, reply: int | None = None
    ) -> int:
        if self.troubles and (trouble := self.troubles.popleft()) is not None:
            raise trouble
        self.said.append((chat, text))
        self.keyboards.append(keyboard)
        return len(self.said)

    async def show(self, chat: int, picture: str, caption: str) -> int:
        return await self.say(chat, caption)

    async def fetch(self, file: str, most: int) -> bytes:
        found = self.files.get(file, Rejected("no such file"))
        if isinstance(found, Exception):
            raise found
        return found

    async def me(self) -> str:
        self.introductions += 1
        return "tocsin_bot"

    async def updates(self, offset: int, seconds: float) -> Sequence[Mapping[str, Any]]:
        self.offsets.append(offset)
        if not self.batches:
            await asyncio.Event().wait()
        batch = self.batches.popleft()
        if isinstance(batch, Exception):
            raise batch
        return [each for each in batch if each["update_id"] >= offset]

    async def answer_press(self, press: str, toast: str) -> None:
        self.toasts.append(toast)

    async def is_admin(self, chat: int, user: int) -> bool:
        return user in self.admins

    async def discussion(self, chat: str) -> Discussion:
        if isinstance(self.linked, Exception):
            raise self.linked
        return self.linked

    async def listen_at(self, url: str, secret: str) -> None:
        self.webhooks.append((url, secret))

    async def listen_by_asking(self) -> None:
        return

    async def list_commands(self, commands: Mapping[str, str], language: str | None) -> None:
        return
