"""Each channel's credential tried live, on a schedule: what it can't do is known before the next emergency."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

import structlog

from alerts.model.errors import BadCredential, DeliveryError
from alerts.model.events import AttemptFinished
from alerts.model.ports import Clock, Probe
from alerts.model.post import Message, PostState
from alerts.model.reason import Reason, because

log = structlog.get_logger()


class WatchedLane(Protocol):
    """A lane, as far as the checks know it: asked whether its credential works, told what can't be stored."""

    async def probe(self) -> Probe | None:
        """Ask the platform live; None: it can't be asked now. Raises DeliveryError."""
        ...

    async def say_at_once(self, message: Message) -> None:
        """Publish what can't be stored. Raises DeliveryError."""
        ...


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What the last try found: nothing wrong, or why not."""

    refused: Reason | None = None
    unreachable: Reason | None = None
    rights: tuple[Reason, ...] = ()

    @property
    def good(self) -> bool:
        """Whether there is no need to try again before its time."""
        return self.refused is None and self.unreachable is None


Remember = Callable[[str, str, str], Awaitable[None]]
"""Keeps a fact of a channel: its name, the fact's, and what it is."""
FOLLOWERS = "followers"


class CredentialProbes:
    """Tries every credential each `every`, unless it was used successfully since; one that fails in every round.

    It only looks: a lane goes on sending whatever a try says, and finds out for itself.
    """

    def __init__(
        self, lanes: Mapping[str, WatchedLane], clock: Clock, every: timedelta, remember: Remember | None = None
    ) -> None:
        self._lanes = lanes
        self._remember = remember
        self._followers: dict[str, int] = {}
        self._clock = clock
        self._every = every.total_seconds()
        self._good_at: dict[str, float] = {}
        self._last: dict[str, ProbeResult] = {}

    def note_attempt(self, event: AttemptFinished) -> None:
        """A post went out: the credential works."""
        if event.verdict.state is PostState.SENT:
            channel = event.post.channel
            self._good_at[channel] = self._clock.monotonic()
            last = self._last.get(channel, ProbeResult())
            self._last[channel] = ProbeResult(rights=last.rights)

    async def take(self, may: Callable[[str], bool]) -> Mapping[str, ProbeResult]:
        """Try those that are due and that one `may` ask; returns what is known of each that was ever asked."""
        due = [name for name in self._lanes if may(name) and self._is_due(name)]
        await asyncio.gather(*(self._probe(name) for name in due))
        return dict(self._last)

    def forget(self, name: str) -> None:
        """What was found isn't so any more: the lane itself met something worse."""
        self._last.pop(name, None)
        self._good_at.pop(name, None)

    def _is_due(self, name: str) -> bool:
        last, good_at = self._last.get(name), self._good_at.get(name)
        fresh = good_at is not None and self._clock.monotonic() - good_at < self._every
        return last is None or not last.good or not fresh

    async def _probe(self, name: str) -> None:
        began = self._clock.monotonic()
        try:
            probe = await self._lanes[name].probe()
        except BadCredential as error:
            self._last[name] = ProbeResult(refused=error.reason)
        except DeliveryError as error:
            self._last[name] = ProbeResult(unreachable=error.reason)
        except Exception as error:  # another package's channel must not end the watch over the others
            log.exception("probe.stumbled", channel=name)
            self._last[name] = ProbeResult(unreachable=because("channel_stumbled", error=type(error).__name__))
        else:
            if probe is not None:
                self._last[name] = ProbeResult(rights=probe.warnings)
                self._good_at[name] = began
                await self._count(name, probe.followers)

    async def _count(self, name: str, followers: int | None) -> None:
        """Keep how many follow the channel, when it changed. That it can't be kept stops no watch."""
        if followers is None or self._remember is None or self._followers.get(name) == followers:
            return
        try:
            await self._remember(name, FOLLOWERS, str(followers))
        except Exception as error:  # noqa: BLE001 a full disk or a locked file: the number comes again
            log.warning("followers.not_kept", channel=name, error=str(error))
        else:
            self._followers[name] = followers
