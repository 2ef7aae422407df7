"""One town whose people subscribed to push and to e-mail, while the daemons that tell them are killed.

Each kill is aimed at who tells browsers, or at who writes to mailboxes, while an alert, an update or an end goes out to
them. At the end everybody who chose an alert has it, nobody else has, and what came twice is no more than what was
under way at the kills: the same notification, or the same letter. An end came to everybody who has its alert, and to
nobody else but those who were handed over at a kill, of whom nobody can know.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alerts.channels.mail.bulk import number_of
from alerts.channels.push.encryption import new_key
from alerts.config import load_config
from alerts.daemon.desk import Control
from alerts.desk.unit import DeskUnit
from alerts.model.alert import Severity
from alerts.model.delivery import Bulk, BulkState
from alerts.model.post import PostKind
from alerts.model.subscriber import Mailbox, PushEndpoint, Subscriber, Topic, wants
from alerts.store.bulk_results import bulk_of
from alerts.store.unit import asking
from campaign.audit import LOST, TWICE, Breach
from campaign.play import QUIET_WITHIN, TAKEOVER, Outcome, Play, wait_until
from campaign.schedule import Kind, Version
from campaign.town import PAGE
from tests.mail_relay import Relay, running

UNKNOWN = "told of what they didn't choose"
LETTERS, PUSH = "lettre", "push"
BROWSERS, MAILBOXES = 120, 60
UNDER_WAY = {PUSH: 10, LETTERS: 4}
PUSH_TAKES, RELAY_TAKES = 0.05, 0.03
"""Seconds that a push service and the relay need for each, so that some are always under way."""
KILLED_WITHIN = 1.0
"""Seconds from the first message of a bulk, within which the kill comes."""
_LASTS = 6 * 3600.0
# A letter that left while the one before it was on its way names none; sent again after a kill, it may.
_THREAD = re.compile(rb"^(In-Reply-To|References): .*\r\n", re.MULTILINE)
_HANDED_OVER = "SELECT bulk, chat FROM bulk_flight"
_DEFERRED = "SELECT count(*) AS held FROM held_back"
_CHANNELS = f"""
[push]
key = {{{{ file = "push.pem" }}}}
subject = "mailto:a@b.example"
services = ["HOST"]
in_flight = {UNDER_WAY[PUSH]}

[channels.{LETTERS}]
kind = "mail"
host = "127.0.0.1"
port = PORT
tls = "none"
sender = "alertes@saint-martin.example"
subscriptions = true
rate = 0
in_flight = {UNDER_WAY[LETTERS]}
"""


@dataclass(frozen=True, slots=True)
class Telling:
    """From one kill to the next: what is told, whose teller is killed (a channel), and when, from 0 to 1."""

    version: Version
    victim: str
    delay: float


def tellings(seed: str, kills: int) -> list[Telling]:
    """The same seed, the same plan: alerts, and what becomes of the newest."""
    chance = random.Random(seed)
    incident, place, severity = 0, 0, Severity.MODERATE
    plan = []
    for _ in range(kills):
        kind: Kind = chance.choice(("update", "update", "cancel")) if 0 < place < 4 else "alert"
        if kind == "alert":
            incident, place, severity = incident + 1, 0, chance.choice((Severity.SEVERE, Severity.MODERATE))
        place += 1
        version = Version(incident, place, kind, "control", severity, _LASTS, 0.0)
        plan.append(Telling(version, chance.choice((PUSH, LETTERS)), round(chance.random(), 3)))
        place = 0 if kind == "cancel" else place
    return plan


@dataclass(slots=True)
class Subscribed(Outcome):
    """What came of one town's plan, with how many messages came in all, and how many of them came again."""

    messages: int = 0
    repeats: int = 0


class Subscribing(Play):
    """The processes of one town, those who subscribed there, and the relay."""

    def __init__(self, number: int, folder: Path, *, daemons: int = 2, server: bool = False) -> None:
        super().__init__(number, folder, daemons=daemons, server=server)
        self.outcome: Subscribed = Subscribed()
        self._leases = frozenset(f"bulk {name}" for name in UNDER_WAY)
        self._relay = Relay()
        self._people: dict[str, dict[int, Subscriber]] = {}
        self._names: dict[str, int] = {}
        self._handed: set[tuple[str, int]] = set()

    def tell_all(self, plan: Sequence[Telling]) -> Subscribed:
        """Live through the plan, and hold what came against what people chose."""
        with ExitStack() as stack:
            stack.callback(self.close)
            stack.enter_context(running(self._relay))
            self._begin()
            for each in plan:
                self._tell_killed(each)
            self._settle()
            self._audit_subscribers()
        return self.outcome

    def _begin(self) -> None:
        self._open()
        host, folder = self.town.sandbox.removeprefix("http://"), self.town.folder
        (folder / "push.pem").write_text(new_key())
        self.town.configure(PAGE + _CHANNELS.replace("HOST", host).replace("PORT", str(self._relay.port)))
        self.town.tocsin("db", "upgrade")
        self._control = Control(load_config(self.town.config))
        self._subscribe()
        self._break(())
        self._relay.takes = RELAY_TAKES
        self._start_missing()

    def _break(self, troubles: Sequence[Any]) -> None:
        super()._break(troubles)
        self.town.fault("push", "latency", seconds=PUSH_TAKES)

    def _subscribe(self) -> None:
        made = self.town.ask("/sandbox/push/browsers", {"count": BROWSERS})
        browsers = [PushEndpoint(each["endpoint"], **each["keys"]) for each in made]
        boxes = [Mailbox(f"n{number}@quais.example", f"{number:043}") for number in range(MAILBOXES)]
        self._people = {
            PUSH: dict(map(_choosing, enumerate(browsers))),
            LETTERS: dict(map(_choosing, enumerate(boxes))),
        }
        self._names = {each.url.rpartition("/")[2]: each.number for each in browsers}
        self._names |= {each.address: each.number for each in boxes}

        def put(unit: DeskUnit) -> None:
            for channel, people in self._people.items():
                for each in people.values():
                    unit.subscribers.put(channel, each)

        self._control.act(put)

    def _tell_killed(self, telling: Telling) -> None:
        self._await_owners()
        if self._killed_at is not None:
            self.outcome.takeovers.append(time.monotonic() - self._killed_at)
        before = len(self._bulks())
        self._tell(telling.version)
        self._await(lambda: self._has_begun(before, telling.victim), TAKEOVER, f"{telling.victim} is told")
        time.sleep(telling.delay * KILLED_WITHIN)
        works = self._ledger.works(time.time())
        owner = works.get(f"bulk {telling.victim}")
        victims = [each for each in self._daemons if each.pid == owner and each.alive]
        self._kill(victims[0] if victims else self._daemons[0])
        # Before another takes over, which is when the dead one's lease has run out.
        self._handed |= self._under_way()

    def _has_begun(self, before: int, channel: str) -> bool:
        return any(each.channel == channel and each.state is not BulkState.QUEUED for each in self._bulks()[before:])

    def _bulks(self) -> list[Bulk]:
        with asking(self.town.place) as unit:
            return [bulk_of(row) for row in unit.execute("SELECT * FROM bulk ORDER BY seq").fetchall()]

    def _deferred(self) -> int:
        """For how many a message waits, since whoever carries it took none."""
        with asking(self.town.place) as unit:
            return int(unit.execute(_DEFERRED).fetchall()[0]["held"])

    def _under_way(self) -> set[tuple[str, int]]:
        """Whom messages are handed over for, and of which bulk."""
        with asking(self.town.place) as unit:
            return {(str(row["bulk"]), int(row["chat"])) for row in unit.execute(_HANDED_OVER).fetchall()}

    def _settle(self) -> None:
        """Everything comes to its end."""
        over = (BulkState.DONE, BulkState.STOPPED)
        settled = wait_until(
            lambda: all(each.state in over for each in self._bulks()) and not self._deferred(), QUIET_WITHIN
        )
        if not settled:
            states = [(each.channel, each.kind, each.state) for each in self._bulks() if each.state not in over]
            self.outcome.breaches.append(Breach(LOST, PUSH, "", f"stands still: {states}"))

    def _audit_subscribers(self) -> None:
        bulks = self._bulks()
        heard = {PUSH: _brought(self.town.ask("/sandbox/push/messages.json", patience=60), bulks, self._names)}
        letters = [(each.to[0], each.id, each.content) for each in self._relay.taken]
        heard[LETTERS] = _written(letters, bulks, self._people[LETTERS], self._names)
        for channel, came in heard.items():
            ours = [each for each in bulks if each.channel == channel]
            self.outcome.breaches += sent_as_chosen(channel, ours, self._people[channel], came, self._handed)
            self.outcome.excused += ended_without_a_beginning(ours, came)
            self.outcome.breaches += few_twice(channel, came, self.outcome.kills * UNDER_WAY[channel])
            self.outcome.messages += came.total()
            self.outcome.repeats += came.total() - len(came)
        contents = {(identity, _THREAD.sub(b"", content)) for _, identity, content in letters}
        if len(contents) != len({identity for identity, _ in contents}):
            self.outcome.breaches.append(Breach(TWICE, LETTERS, "", "two letters have one Message-ID"))


def _choosing(subscriber: tuple[int, PushEndpoint | Mailbox]) -> tuple[int, Subscriber]:
    number, endpoint = subscriber
    topics = frozenset() if number % 4 else frozenset({Topic.WATER})
    severity = Severity.SEVERE if number % 5 == 1 else Severity.MINOR
    digest = hashlib.sha256(repr(endpoint.number).encode()).hexdigest()
    return endpoint.number, Subscriber(
        endpoint.number, topics=topics, severity=severity, endpoint=endpoint, token=digest
    )


def _brought(messages: Iterable[Any], bulks: Sequence[Bulk], names: Mapping[str, int]) -> Counter[tuple[str, int]]:
    """How often each browser was shown each bulk, which is known by its words."""
    of = {_shown(each): each.id for each in bulks if each.channel == PUSH}
    brought = [(json.loads(each["payload"])["notification"], each["browser"]) for each in messages]
    return Counter((of[shown["tag"], shown["title"], shown["body"]], names[browser]) for shown, browser in brought)


def _shown(bulk: Bulk) -> tuple[str, str, str]:
    title, _, body = bulk.text("fr").partition("\n")
    return bulk.incident, title, body.strip()


def _written(
    letters: Iterable[tuple[str, str, bytes]],
    bulks: Sequence[Bulk],
    people: Mapping[int, Subscriber],
    names: Mapping[str, int],
) -> Counter[tuple[str, int]]:
    """How often each mailbox got each bulk, which is known by the letter's Message-ID."""
    of = {
        hashlib.sha256(f"{number_of(bulk)} {chat}".encode()).hexdigest()[:32]: (bulk.id, chat)
        for bulk in bulks
        if bulk.channel == LETTERS
        for chat in people
    }
    came = Counter[tuple[str, int]]()
    for to, identity, _ in letters:
        bulk, chat = of[identity.partition("@")[0]]
        came[bulk, chat if names[to] == chat else names[to]] += 1
    return came


def sent_as_chosen(
    channel: str,
    bulks: Sequence[Bulk],
    people: Mapping[int, Subscriber],
    came: Mapping[tuple[str, int], int],
    handed: set[tuple[str, int]],
) -> Iterator[Breach]:
    """Who chose an alert has it or what took its place, who had it hears its end, and nobody else hears anything.

    Of those who were `handed` over at a kill nobody can know whether they had it: an end may come to them as well.
    """
    got = {bulk.id: {chat for chat in people if came.get((bulk.id, chat))} for bulk in bulks}
    for bulk in bulks:
        thread = [each for each in bulks if each.incident == bulk.incident]
        chose = {
            chat
            for chat, one in people.items()
            if any(each.everyone and wants(one, each.notice) for each in thread if each.seq <= bulk.seq)
        }
        had = set[int]().union(*(got[each.id] for each in thread if each.seq < bulk.seq))
        # Whom an alert can't reach now, or didn't before something newer came, gets that in its place.
        later = set[int]().union(*(got[each.id] for each in thread if each.seq >= bulk.seq))
        is_end = bulk.kind is PostKind.END
        due = (had if is_end else chose | had) if bulk.state is BulkState.DONE else set()
        for chat in due - later:
            yield Breach(LOST, channel, bulk.incident, f"{bulk.kind} {bulk.id} never came to {chat}")
        perhaps = {chat for each in thread if each.seq < bulk.seq for chat in people if (each.id, chat) in handed}
        for chat in got[bulk.id] - had - perhaps - (set() if is_end else chose):
            yield Breach(UNKNOWN, channel, bulk.incident, f"{bulk.kind} {bulk.id} came to {chat}")


def ended_without_a_beginning(bulks: Sequence[Bulk], came: Mapping[tuple[str, int], int]) -> int:
    """How many heard the end of what never came to them, since nobody could know."""
    of = {bulk.id: bulk for bulk in bulks}
    had = {(of[key].incident, chat) for key, chat in came if of[key].kind is not PostKind.END}
    return sum((of[key].incident, chat) not in had for key, chat in came if of[key].kind is PostKind.END)


def few_twice(channel: str, came: Counter[tuple[str, int]], most: int) -> Iterator[Breach]:
    """No more came again than was under way at the kills."""
    repeats = came.total() - len(came)
    if repeats > most:
        yield Breach(TWICE, channel, "", f"{repeats} came again, where {most} were under way at most")


def subscribing_table(outcomes: Sequence[Subscribed]) -> str:
    """What came of each town, a line each."""
    return "\n".join(
        f"town {number}: {each.kills} kills, {each.alerts} alerts, {each.messages} messages, {each.repeats} again, "
        f"{each.excused} told of an end alone, {len(each.breaches)} breaches, "
        f"takeover {max(each.takeovers, default=0.0):.1f} s"
        for number, each in enumerate(outcomes, 1)
    )
