"""One town where people report, in crowds and alone, while its daemons are killed.

A telephone sends its form again, under the same key and to whichever daemon answers, until it has a number. At the end
each who was told a number is in the database, once and under that one; each crowd of enough networks has made one draft
alert, each smaller one none; and nothing of a draft was begun to be sent.
"""

from __future__ import annotations

import http.client
import json
import random
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from alerts.store.unit import Unit, asking
from campaign.audit import LOST, TWICE, Breach
from campaign.play import TAKEOVER, Outcome, Play, wait_until
from campaign.town import ALL_THREE

DRAFTED = "drafted"
KIND, ENOUGH = "road", 5
"""What is reported, and how many networks make a draft of it (`ClusterRule`)."""
ANSWERED_WITHIN = 90.0
"""Seconds for which a telephone goes on; a busy machine is slow to start a daemon."""
KILLED_AFTER = 1.2
"""Seconds from a crowd's beginning, within which the kill comes."""
_REPORTS = "\n[reports]\n"
_SPACING = 0.05
"""Degrees from one crowd to the next: no two of them are near."""


@dataclass(frozen=True, slots=True)
class Form:
    """What one telephone sends, `after` so many seconds. A crowd's are at one place; `network` is who counts in it."""

    key: str
    crowd: int
    network: str
    lat: float
    lon: float
    after: float = 0.0

    @property
    def body(self) -> bytes:
        """As a program brings it."""
        fields = {
            "kind": KIND,
            "lat": self.lat,
            "lon": self.lon,
            "source": self.network,
            "text": f"Un trou, {self.key}",
        }
        return json.dumps(fields).encode()


@dataclass(frozen=True, slots=True)
class Gathering:
    """From one kill to the next: who reports at one place, and when the kill comes, from 0 to 1."""

    forms: tuple[Form, ...]
    delay: float
    victim: int

    @property
    def networks(self) -> int:
        """How many count."""
        return len({each.network for each in self.forms})


def gatherings(seed: str, kills: int) -> list[Gathering]:
    """The same seed, the same plan."""
    chance = random.Random(seed)
    return [_gathering(chance, number) for number in range(kills)]


def _gathering(chance: random.Random, number: int) -> Gathering:
    networks = chance.choice((2, 3, 4, 5, 6, 8, 12))
    senders = [*range(networks), *(chance.randrange(networks) for _ in range(chance.randint(0, 4)))]
    lat, lon = 44.0 + _SPACING * (number // 40), 4.0 + _SPACING * (number % 40)
    forms = tuple(
        Form(f"{number}-{place}", number, f"{number}-{sender}", lat + chance.uniform(0, 0.001), lon, chance.random())
        for place, sender in enumerate(senders)
    )
    return Gathering(forms, round(chance.random(), 3), chance.randrange(6))


@dataclass(slots=True)
class Reported(Outcome):
    """What came of one town's plan, with how many telephones were answered, and how many drafts were made."""

    reports: int = 0
    drafts: int = 0
    resent: int = 0


class Reporting(Play):
    """The processes of one town, and what people were told there."""

    def __init__(self, number: int, folder: Path, *, daemons: int = 2, server: bool = False) -> None:
        super().__init__(number, folder, daemons=daemons, server=server)
        self.outcome: Reported = Reported()
        self._token = ""
        self._numbers: dict[str, set[str]] = {}

    def report(self, plan: Sequence[Gathering]) -> Reported:
        """Live through the plan, and hold what is there against what people were told."""
        try:
            self._begin()
            for each in plan:
                self._gather(each)
            self._audit_reports(plan)
        finally:
            self.close()
        return self.outcome

    def _begin(self) -> None:
        self._open()
        self.town.configure(ALL_THREE, sources=_REPORTS)
        self.town.tocsin("db", "upgrade")
        self._token = str(self.town.objects("token", "add", "telephones", "--role", "reporter")[0]["token"])
        self._start_missing()
        self._await_owners()

    def _gather(self, gathering: Gathering) -> None:
        self._await(self._addresses, TAKEOVER, "a daemon answers")
        victim = self._daemons[gathering.victim % len(self._daemons)]
        with ThreadPoolExecutor(len(gathering.forms)) as telephones:
            sent = [telephones.submit(self._send, form, place) for place, form in enumerate(gathering.forms)]
            time.sleep(gathering.delay * KILLED_AFTER)
            self._kill(victim)
            for form, each in zip(gathering.forms, sent, strict=True):
                self._numbers[form.key] = each.result()

    def _send(self, form: Form, place: int) -> set[str]:
        """Until it is answered, and once more afterwards, as a finger that taps twice; the numbers that were told."""
        numbers: set[str] = set()
        time.sleep(form.after)
        ends, tries = time.monotonic() + ANSWERED_WITHIN, 0
        while len(numbers) < 1 and time.monotonic() < ends:
            tries += 1
            if number := self._ask(form, place + tries):
                numbers.add(number)
            else:
                time.sleep(0.1)
        if place % 3 == 0 and (again := self._ask(form, place)):
            numbers.add(again)
        self.outcome.resent += tries - 1
        return numbers

    def _ask(self, form: Form, turn: int) -> str | None:
        addresses = self._addresses()
        if not addresses:
            return None
        connection = http.client.HTTPConnection(urlsplit(addresses[turn % len(addresses)]).netloc, timeout=10)
        headers = {
            "Content-Type": "application/json",
            "Authorization": f"Bearer {self._token}",
            "Idempotency-Key": form.key,
        }
        try:
            connection.request("POST", "/api/v1/reports", form.body, headers)
            answer = connection.getresponse()
            body = answer.read()
            return str(json.loads(body)["report"]) if answer.status == 201 else None
        except (OSError, http.client.HTTPException, ValueError):
            return None
        finally:
            connection.close()

    def _addresses(self) -> list[str]:
        """Where the daemons that live answer."""
        alive = [each for each in self._daemons if each.alive]
        return [address for each in alive if (address := self._address_of(each))]

    # --- the end

    def _audit_reports(self, plan: Sequence[Gathering]) -> None:
        self._await_owners()
        wait_until(lambda: not list(self._breaches(plan)), 5.0)
        self.outcome.breaches += self._breaches(plan)
        self.outcome.reports = len(self._numbers)
        with asking(self.town.place) as unit:
            self.outcome.drafts = len({identity for identity, _ in _drafts_of(unit)})

    def _breaches(self, plan: Sequence[Gathering]) -> Iterator[Breach]:
        with asking(self.town.place) as unit:
            kept, drafts = _reports_of(unit), _drafts_of(unit)
        yield from numbered_once(self._numbers, kept)
        yield from drafted(plan, self._numbers, kept, drafts)


@dataclass(frozen=True, slots=True)
class Taken:
    """A report as it is kept: whose it is tells its text."""

    number: str
    key: str
    draft: str | None


def _reports_of(unit: Unit) -> list[Taken]:
    found = unit.execute("SELECT number, text, draft FROM report ORDER BY seq").fetchall()
    return [Taken(str(row["number"]), str(row["text"]).rpartition(" ")[2], row["draft"]) for row in found]


def _drafts_of(unit: Unit) -> list[tuple[str, str]]:
    """Each draft that a crowd made, and the state of each of its posts."""
    found = unit.execute(
        """SELECT alert.id AS id, post.state AS state FROM alert LEFT JOIN post ON post.alert_id = alert.id
        WHERE alert.source = 'reports' ORDER BY alert.id"""
    ).fetchall()
    return [(str(row["id"]), str(row["state"])) for row in found]


def numbered_once(given: Mapping[str, set[str]], kept: Sequence[Taken]) -> Iterator[Breach]:
    """Whoever was told a number is there under it, once; everybody was told one."""
    numbers, times = {each.number: each.key for each in kept}, Counter(each.key for each in kept)
    for key, said in given.items():
        if not said:
            yield Breach(LOST, "reports", key, "nobody answered")
        if len(said) > 1:
            yield Breach(TWICE, "reports", key, f"was told {sorted(said)}")
        for number in said:
            if numbers.get(number) != key:
                yield Breach(LOST, "reports", key, f"was told {number}, which is {numbers.get(number, 'not there')}")
        if times[key] > 1:
            yield Breach(TWICE, "reports", key, f"is kept {times[key]} times")


def drafted(
    plan: Sequence[Gathering], numbers: Mapping[str, set[str]], kept: Sequence[Taken], drafts: Sequence[tuple[str, str]]
) -> Iterator[Breach]:
    """One draft for each crowd of enough networks, none for a smaller one, and nothing of any of them on its way."""
    cited: dict[int, set[str]] = {}
    for each in kept:
        crowd = int(each.key.partition("-")[0])
        cited.setdefault(crowd, set()).update({each.draft} if each.draft else ())
    for number, gathering in enumerate(plan):
        if not all(form.key in numbers for form in gathering.forms):
            continue
        wanted, found = int(gathering.networks >= ENOUGH), len(cited.get(number, ()))
        if wanted != found:
            yield Breach(DRAFTED, "reports", str(number), f"{gathering.networks} networks made {found} drafts")
    made, named = {identity for identity, _ in drafts}, set().union(*cited.values())
    for identity in made - named:
        yield Breach(DRAFTED, "reports", identity, "a draft that no report knows of")
    for identity, state in drafts:
        if state not in ("waiting", "None"):
            yield Breach(DRAFTED, "reports", identity, f"a post of it is {state}, and no officer said yes")


def reporting_table(outcomes: Sequence[Reported]) -> str:
    """What came of each town, a line each."""
    return "\n".join(
        f"town {number}: {each.kills} kills, {each.reports} reports, {each.resent} sent again, {each.drafts} drafts, "
        f"{len(each.breaches)} breaches"
        for number, each in enumerate(outcomes, 1)
    )
