"""The ports of a channel over a simulated platform, for one life of the daemon."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from alerts.model.errors import BadCredential, DeliveryError, InDoubt, Retry
from alerts.model.ports import Probe
from alerts.model.post import Message, Quota, Receipt
from simulation.audit import Act
from simulation.life import Life
from simulation.platform import TIMEOUT, Fate, Look, Platform, Request
from simulation.timeline import Shown


class SimulatedChannel:
    """`Channel`, `Finds`, `Edits` and `Deletes`: what is asked travels to the platform, and may not come back."""

    def __init__(self, platform: Platform, life: Life) -> None:
        self._platform = platform
        self._life = life
        self._ours: set[str] = set()

    async def open(self) -> None:
        """Nothing has to be read."""

    async def close(self) -> None:
        """Nothing was taken."""

    async def publish(self, message: Message, reply_to: str | None = None) -> Receipt:
        """Put a new post out."""
        return self._receipt(await self._ask(Act.PUBLISH, message.plain, reply_to))

    async def edit(self, remote_id: str, message: Message) -> Receipt:
        """Replace the words of a post."""
        return self._receipt(await self._ask(Act.EDIT, message.plain, remote_id))

    async def delete(self, remote_id: str) -> None:
        """Take a post back; one that is gone is done."""
        if self._platform.timeline.has(remote_id):
            await self._ask(Act.DELETE, "", remote_id)

    async def find(
        self,
        message: Message,
        since: datetime,
        after: str | None,
        known: frozenset[str],
        reply_to: str | None = None,
    ) -> Receipt | None:
        """Look for a post."""
        platform, agenda = self._platform, self._life.agenda
        await self._life.passes("before a look")
        if platform.fate() in (Fate.NOT_CONNECTED, Fate.TOO_MANY):
            raise Retry("the platform can't be reached")
        known = known | self._ours if platform.kind == "telegram" else known
        look = Look(message.plain, since, after, known, reply_to)
        shown = await self._life.asks(0.2, lambda: platform.find(look, agenda.now))
        await self._life.passes("after a look")
        self._life.trace("found", channel=platform.timeline.channel, remote_id=shown.remote_id if shown else None)
        return self._receipt(shown) if shown else None

    async def probe(self) -> Probe:
        """Whether the credential is good."""
        await self._life.passes("before a probe")
        if self._platform.weather.down:
            raise Retry("the platform can't be reached")
        if self._platform.weather.revoked:
            raise BadCredential("the token was revoked")
        return Probe("@town")

    def quotas(self) -> Sequence[Quota]:
        """The platform tells none."""
        return ()

    def _receipt(self, shown: Shown) -> Receipt:
        self._ours.add(shown.remote_id)
        return Receipt(shown.remote_id, f"https://platform.example/{shown.remote_id}")

    async def _ask(self, act: Act, text: str, target: str | None) -> Shown:
        platform, life = self._platform, self._life
        await life.passes("before a request")
        fate = platform.fate()
        there, back = platform.travel(fate)
        request = Request(act, text, target, fate, life.agenda.now)
        life.trace("leaves", channel=platform.timeline.channel, act=act, fate=fate, text=_short(text))
        if fate is Fate.NOT_CONNECTED:
            raise Retry("the platform can't be reached", sent=False)
        # The request travels on its own: it arrives though the daemon be dead by then.
        answer: list[Shown | Exception] = []
        life.agenda.after(there, lambda: answer.append(_written(platform, request, life)))
        await life.asks(min(there + back, TIMEOUT), lambda: None)
        await life.passes("after a request")
        if not answer:
            raise InDoubt(f"no answer within {TIMEOUT} s")
        if isinstance(answer[0], Exception):
            raise answer[0]
        return answer[0]


class ReplacingChannel(SimulatedChannel):
    """A channel where an edit makes a new post."""

    replaces = True


class PageChannel(SimulatedChannel):
    """A channel where updates are comments on the post itself."""

    two_levels = True


_CHANNELS = {"twitter": ReplacingChannel, "facebook": PageChannel}


def channel_over(platform: Platform, life: Life) -> SimulatedChannel:
    """The channel of a platform, by what its edits and its answers do."""
    return _CHANNELS.get(platform.kind, SimulatedChannel)(platform, life)


def _written(platform: Platform, request: Request, life: Life) -> Shown | Exception:
    came: Shown | Exception
    try:
        came = platform.write(request, life.agenda.now)
    except DeliveryError as error:  # raised where the answer arrives
        came = error
    what = came.remote_id if isinstance(came, Shown) else type(came).__name__
    life.trace("arrives", channel=platform.timeline.channel, act=request.act, came=what, text=_short(request.text))
    return came


def _short(text: str) -> str:
    return repr(" ".join(text.split())[:48])
