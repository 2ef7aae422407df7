"""One town with a hundred thousand chats and as many browsers, told of an alert, its update and its end under kills.

Or with telephones: an SMS is paid for, so none comes twice, and those that were under way at the kills may be missing.

The town is driven from outside: commands tell it, `status` says when it is through, and the receivers have counted who
was told what (`receivers.py`). A plan says how far the alert has come when its update is told, and the update when the
end is, and at which moments between a daemon at work is killed. At the end each message that nothing cut short came to
everybody it was for, the end to everybody who had something before, nobody else had anything, and what came twice is no
more than what was under way at the kills.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from alerts.channels.push.encryption import new_key
from campaign.audit import DISORDER, LOST, TWICE, Breach
from campaign.filling import OTHERS, Crowd, fill
from campaign.play import Outcome, Play, wait_until
from campaign.receivers import Heard, Receivers
from campaign.subscribing import UNKNOWN
from campaign.town import TELEGRAM

UNDER_WAY = {"telegram": 50, "push": 60}
TEXTS_UNDER_WAY = {"sms": 10}
AHEAD = 32
"""So many times as many are handed over at once: whom a kill leaves open, an end may come to that had no beginning."""
STILL = 180.0
"""Seconds without a new recipient after which nobody else is waited for."""
KINDS = ("alert", "update", "end")
_TELL = {
    "update": ("update", "--headline", "Coup de vent plus fort"),
    "end": ("cancel", "--over"),
}
_LOOK = 0.005
_CHANNELS = f"""{TELEGRAM}subscriptions = true
rate = 0
in_flight = {UNDER_WAY["telegram"]}

[push]
key = {{{{ file = "push.pem" }}}}
subject = "mailto:a@b.example"
services = HOSTS
in_flight = {UNDER_WAY["push"]}
"""
_TEXTS = f"""
[channels.sms]
kind = "sms"
api_url = "{{sandbox}}"
provider = "smsmode"
key = {{{{ env = "SMSMODE_KEY" }}}}
sender = "STMARTIN"
price = 0.06
daily_budget = 1_000_000
monthly_budget = 1_000_000
subscriptions = true
rate = 1000
in_flight = {TEXTS_UNDER_WAY["sms"]}
"""


@dataclass(frozen=True, slots=True)
class Phase:
    """A message: how much of its audience (0 to 1) has it at each kill, and when the next message is told."""

    kind: str
    kills: tuple[float, ...]
    until: float


def settings_for(receivers: Receivers, *, texted: bool = False) -> str:
    """The sections of channels.toml that lead to these."""
    if texted:
        return _TEXTS.replace("{sandbox}", receivers.urls[0])
    hosts = [url.removeprefix("http://") for url in receivers.urls]
    return _CHANNELS.replace("HOSTS", json.dumps(hosts)).replace("{sandbox}", receivers.urls[0])


def phases(seed: str, kills: int) -> list[Phase]:
    """The same seed, the same plan: an alert, its update and its end, each told to all or cut short by the next."""
    chance = random.Random(seed)
    until = [chance.choice((1.0, round(chance.uniform(0.4, 0.95), 3))) for _ in KINDS[:-1]] + [1.0]
    moments: list[list[float]] = [[] for _ in KINDS]
    for _ in range(kills):
        place = chance.randrange(len(KINDS))
        moments[place].append(round(chance.uniform(0, until[place]), 4))
    return [Phase(kind, tuple(sorted(moments[place])), until[place]) for place, kind in enumerate(KINDS)]


@dataclass(slots=True)
class Crowded(Outcome):
    """What came of one town's plan: for each channel who was told what, and how many seconds it took in all."""

    kinds: tuple[str, ...] = KINDS
    heard: dict[str, Heard] = field(default_factory=dict)
    lasted: float = 0.0
    lost: int = 0


class Crowding(Play):
    """The processes of one town, and all who are told."""

    def __init__(
        self,
        number: int,
        folder: Path,
        *,
        recipients: int,
        texted: bool = False,
        daemons: int = 2,
        server: bool = False,
    ) -> None:
        super().__init__(number, folder, daemons=daemons, server=server)
        self._texted = texted
        self._under_way = TEXTS_UNDER_WAY if texted else UNDER_WAY
        self._receivers = Receivers(recipients + -(-recipients // (OTHERS - 1)))
        chats, browsers = self._receivers.chats, self._receivers.browsers
        self._heard = {"sms": self._receivers.telephones} if texted else {"telegram": chats, "push": browsers}
        self.outcome: Crowded = Crowded(heard=self._heard)
        self._leases = frozenset(f"bulk {name}" for name in self._under_way)

    def tell_crowd(self, plan: Sequence[Phase]) -> Crowded:
        """Live through the plan, and hold what came against what people chose."""
        self.outcome.kinds = tuple(phase.kind for phase in plan)
        try:
            self._begin()
            began = time.monotonic()
            for place, phase in enumerate(plan):
                self._tell_one(phase.kind)
                self._await_moments(place, phase)
            self.outcome.lasted = time.monotonic() - began
            self._audit_crowd(plan)
        finally:
            self.close()
            self._receivers.stop()
        return self.outcome

    def _begin(self) -> None:
        self._configure()
        self.town.tocsin("db", "upgrade")
        fill(self.town.config, self._crowd, texted=self._texted)
        self._start_missing()
        self._await_owners()

    def _configure(self, quiet: tuple[str, str] | None = None) -> None:
        self._receivers.start()
        self._crowd = Crowd(self._receivers.people, self._receivers.urls, self._receivers.keys, quiet)
        self._chose = bytearray(map(self._crowd.has_chosen, range(self._crowd.people)))
        self._open_store()
        (self.town.folder / "push.pem").write_text(new_key())
        self.town.configure(settings_for(self._receivers, texted=self._texted))

    def _tell_one(self, kind: str) -> None:
        self.outcome.alerts += 1
        if kind == "alert":
            self._incident = self.town.post("Coup de vent", "--severity", "Severe")["incident"]
            return
        verb, *options = _TELL[kind]
        done = self.town.tocsin(verb, self._incident, *options)
        if done.returncode != 0:
            raise AssertionError(f"the {kind} wasn't told: {done.stderr}")

    def _await_moments(self, place: int, phase: Phase) -> None:
        """Until the next message is due: kill at each of the phase's moments a daemon that tells browsers or chats."""
        most = sum(len(audience(place, each, self._chose, self.outcome.kinds)) for each in self._heard.values())
        for moment in phase.kills:
            self._await_progress(place, round(moment * most))
            owners = self._await_owners()
            self._kill(owners[self.outcome.kills % len(owners)])
        self._await_progress(place, round(phase.until * most))
        if phase.until == 1.0:
            self._settle()

    def _await_progress(self, place: int, enough: int) -> None:
        """Until so many were told this message, or nobody else is any more."""
        # Whoever was under way with an SMS at a kill is never told: nobody waits for them.
        enough -= self.outcome.kills * sum(self._under_way.values()) if self._texted else 0
        last, since = -1, time.monotonic()
        while (reached := sum(each.reached_by(place) for each in self._heard.values())) < enough:
            if reached != last:
                last, since = reached, time.monotonic()
            elif time.monotonic() - since > STILL:
                return
            time.sleep(_LOOK)

    def _settle(self) -> None:
        """Nothing is left to be told, as an officer reads it."""

        def is_through() -> bool:
            said = [each["state"] for each in self.town.objects("status") if "bulk" in each]
            return bool(said) and set(said) <= {"done", "stopped"}

        if not wait_until(is_through, STILL):
            self.outcome.breaches.append(Breach(LOST, "status", "", "something still stands to be told"))

    def _audit_crowd(self, plan: Sequence[Phase]) -> None:
        whole = [phase.kind for phase in plan if phase.until == 1.0]
        for name, heard in self._heard.items():
            told = Told(name, heard, self._chose, self.outcome.kinds, once=self._texted)
            self.outcome.breaches += told.breaches(whole, self.outcome.kills * self._under_way[name])
            self.outcome.lost += sum(told.missing(kind) for kind in whole)
            self.outcome.excused += told.ended_alone


def audience(place: int, heard: Heard, chose: Sequence[int], kinds: Sequence[str]) -> list[int]:
    """Whom a message has to reach: those who chose it, or, if it is the end, those who had something before it."""
    people = range(heard.people)
    if kinds[place] != "end":
        return [each for each in people if chose[each]]
    return [each for each in people if any(heard.has(each, earlier) for earlier in range(place))]


@dataclass(frozen=True)
class Told:
    """What one channel's people heard of messages of these `kinds`, the last of which is the end."""

    channel: str
    heard: Heard
    chose: Sequence[int]
    kinds: Sequence[str]
    once: bool = False

    def breaches(self, whole: Sequence[str], under_way: int) -> Iterator[Breach]:
        """Every promise that wasn't kept.

        `whole` are the messages that nothing cut short; `under_way` is how much was at all the kills together. Of what
        is said `once` so much may be missing, and nothing comes again; of all else nothing is missing.
        """
        excused, again = (under_way, 0) if self.once else (0, under_way)
        if len(self.heard.texts) != len(self.kinds):
            yield self._breach(LOST, f"{len(self.heard.texts)} texts came of {len(self.kinds)} messages")
        for kind in whole:
            if (missing := self.missing(kind)) > excused:
                due = audience(self.kinds.index(kind), self.heard, self.chose, self.kinds)
                yield self._breach(LOST, f"the {kind} never came to {missing} of {len(due)}")
        if self.strangers:
            yield self._breach(UNKNOWN, f"{self.strangers} were told who had chosen something else")
        if self.repeats > again:
            yield self._breach(TWICE, f"{self.repeats} came again, where {again} were under way at most")
        if self.ended_alone > AHEAD * under_way:
            yield self._breach(UNKNOWN, f"{self.ended_alone} were told of the end alone")
        if self.heard.late:
            yield self._breach(DISORDER, f"{self.heard.late} came after what is newer")

    def missing(self, kind: str) -> int:
        """To how many a message of that kind never came that it was for."""
        place = self.kinds.index(kind)
        return sum(not self.heard.has(each, place) for each in audience(place, self.heard, self.chose, self.kinds))

    @property
    def repeats(self) -> int:
        """How many messages came to somebody who had them."""
        return self.heard.messages - sum(self.heard.reached)

    @property
    def strangers(self) -> int:
        """How many heard something who had chosen something else."""
        places = range(len(self.heard.texts))
        others = (each for each in range(self.heard.people) if not self.chose[each])
        return sum(any(self.heard.has(each, place) for place in places) for each in others)

    @property
    def ended_alone(self) -> int:
        """How many heard the end and nothing before it: what was handed over for them at a kill may have come."""
        end = len(self.kinds) - 1
        had = set(audience(end, self.heard, self.chose, self.kinds))
        return sum(bool(self.heard.has(each, end)) and each not in had for each in range(self.heard.people))

    def _breach(self, kind: str, what: str) -> Breach:
        return Breach(kind, self.channel, "", what)


def crowding_table(outcomes: Sequence[Crowded]) -> str:
    """What came of each town, and of each of its channels a line."""
    lines = []
    for number, each in enumerate(outcomes, 1):
        lines.append(
            f"town {number}: {each.kills} kills, {each.lasted:.0f} s, {each.excused} told of an end alone, "
            f"{each.lost} lost at kills, {len(each.breaches)} breaches"
        )
        for name, heard in each.heard.items():
            reached = ", ".join(f"{kind} {heard.reached_by(place)}" for place, kind in enumerate(each.kinds))
            again = heard.messages - sum(heard.reached)
            lines.append(f"  {name}: {reached}; {heard.messages} messages, {again} again")
    return "\n".join(lines)
