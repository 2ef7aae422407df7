"""People who report, each until they are answered: several at one place, some alone, whether the daemon lives or not.

A person sends the same form (the same key) again where no answer came, as a telephone does. What is promised about it:
whoever was answered is in the database, once and under the number they were told; a draft that a crowd made goes out
by an officer's hand alone; and no second one is made within span and radius of one that waits.
"""

from __future__ import annotations

import math
import sqlite3
from asyncio import Task
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import combinations
from random import Random

from alerts.app import Daemon
from alerts.model.alert import Point
from alerts.model.errors import DatabaseRefused, Misuse
from alerts.model.hazard import Hazard
from alerts.model.reports import REPORTS, ClusterRule, ReportKind, Via
from alerts.model.town import Town
from alerts.reports.drafting import draft_of
from alerts.reports.intake import ReportIntake
from alerts.reports.places import metres
from alerts.reports.taking import ReportDraft, section_of
from alerts.store.statement import time_of
from alerts.store.views import Views
from simulation.agenda import Agenda, Trace
from simulation.audit import Breach
from simulation.life import Life

KINDS = tuple(
    ReportKind(f"kind-{number}", {"fr": f"Sorte {number}"}, hazard=hazard, cluster=ClusterRule())
    for number, hazard in enumerate((Hazard.ROAD, Hazard.WIND, Hazard.WATER_CUT, Hazard.RAIN_FLOOD) * 4)
)
"""Each crowd has a kind of its own: the audit knows posts by their words, and those of two drafts are to differ."""
PATIENCE = 20.0
"""Seconds without an answer after which a telephone sends its form again."""
_MIDDLE = (45.19, 5.71)
_METRES = 111_320.0
_BEGUN = """
    SELECT DISTINCT alert.id FROM attempt JOIN post ON post.id = attempt.post_id JOIN alert ON alert.id = post.alert_id
    WHERE alert.source = ?
"""
_DECIDED = "SELECT alert_id, MIN(at) FROM decision WHERE what IN ('approved', 'rejected') GROUP BY alert_id"


@dataclass
class Person:
    """Somebody with a form; `answered` are the numbers they were told, one for each time they sent it."""

    form: ReportDraft
    answered: list[str] = field(default_factory=list)
    refused: bool = False


class Crowd:
    """Fills the agenda with reports. `life` and `daemon` are those of now, if there are any."""

    def __init__(
        self,
        agenda: Agenda,
        trace: Trace,
        dice: Random,
        life: Callable[[], Life | None],
        daemon: Callable[[], Daemon | None],
    ) -> None:
        self.people: list[Person] = []
        self._life = life
        self._agenda = agenda
        self._trace = trace
        self._dice = dice
        self._daemon = daemon
        self._sending: set[Task[None]] = set()

    def gather(self, start: float, length: float) -> None:
        """Some crowds come together within this time, and some people report alone."""
        for kind in self._dice.sample(KINDS, self._dice.randint(2, 4)):
            place = self._somewhere(3000)
            begins, many = start + self._dice.uniform(0, length / 2), self._dice.randint(3, 12)
            spread = self._dice.choice((80, 240, 900))
            for _ in range(many):
                self._comes(begins + self._dice.uniform(0, length / 2), kind, self._near(place, spread))
        for _ in range(self._dice.randint(2, 8)):
            self._comes(start + self._dice.uniform(0, length), self._dice.choice(KINDS), self._somewhere(6000))

    def _comes(self, at: float, kind: ReportKind, place: Point) -> None:
        number = len(self.people)
        # Some have a network with others in it.
        network = self._dice.randint(0, number) if self._dice.random() < 0.2 else number
        form = ReportDraft(kind.code, Via.PAGE, f"net 10.1.{network}.0/24", *place, key=f"form {number}")
        person = Person(form)
        self.people.append(person)
        self._agenda.at(at, lambda: self._send(person))
        if self._dice.random() < 0.2:  # a finger that taps twice
            self._agenda.at(at + self._dice.choice((0.0, 0.001, 3.0)), lambda: self._send(person))

    def _send(self, person: Person) -> None:
        if person.refused:
            return
        number, life, daemon = len(person.answered), self._life(), self._daemon()
        if life is not None and life.alive and daemon is not None and daemon.reports is not None:
            task = life.loop.create_task(self._ask(daemon.reports.intake, person))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)
        self._agenda.after(PATIENCE, lambda: self._send(person) if len(person.answered) == number else None)

    async def _ask(self, intake: ReportIntake, person: Person) -> None:
        try:
            taken = await intake.take(person.form)
        except DatabaseRefused:
            return
        except Misuse as error:
            person.refused = True
            self._trace("report refused", key=person.form.key, why=str(error))
            return
        person.answered.append(taken.report.number)
        self._trace("report answered", key=person.form.key, number=taken.report.number, fresh=taken.fresh)

    def _near(self, place: Point, spread: float) -> Point:
        return _moved(place, self._dice.uniform(-spread, spread), self._dice.uniform(-spread, spread))

    def _somewhere(self, spread: float) -> Point:
        return self._near(_MIDDLE, spread)

    @property
    def waits(self) -> bool:
        """Whether somebody still has no answer."""
        return any(not each.answered and not each.refused for each in self.people)


def _moved(place: Point, north: float, east: float) -> Point:
    return place[0] + north / _METRES, place[1] + east / (_METRES * math.cos(math.radians(place[0])))


# --- what is promised -----------------------------------------------------------------------------------------------


def none_lost_none_twice(db: sqlite3.Connection, people: Sequence[Person], last: datetime) -> Iterator[Breach]:
    """Whoever was answered is there, and each person's report is there once."""
    kept = [str(number) for (number,) in db.execute("SELECT number FROM report")]
    there = set(kept)
    replies = [set(each.answered) for each in people if each.answered]
    for numbers in replies:
        if len(numbers) > 1:
            yield Breach("no report twice", f"one form was told {sorted(numbers)}", last)
        for number in numbers - there:
            yield Breach("no report lost", f"{number} was answered, and isn't there", last)
    if len(kept) > len(people):
        yield Breach("no report twice", f"{len(kept)} reports of {len(people)} people", last)
    answered = [number for numbers in replies for number in numbers]
    if len(set(answered)) < len(replies):
        yield Breach("no report lost", "two people were told one number", last)


def drafts_wait(db: sqlite3.Connection, approved: Collection[str], now: datetime) -> Iterator[Breach]:
    """Nothing of a crowd's draft was ever begun to be sent without an officer."""
    for (identity,) in db.execute(_BEGUN, (REPORTS,)):
        if identity not in approved:
            yield Breach("a draft waits for an officer", f"{identity} went out by itself", now)


def one_draft_each(db: sqlite3.Connection, town: Town) -> Iterator[Breach]:
    """While one waits, no second draft of its kind is made within radius and span."""
    decided = dict(db.execute(_DECIDED).fetchall())
    found = [(each, draft) for each in Views(db).everything() if (draft := draft_of(each)) is not None]
    found.sort(key=lambda one: one[0].received_at)
    for (first, one), (second, other) in combinations(found, 2):
        rule = next(each.cluster for each in section_of(town).kinds if each.code == one.kind)
        at = time_of(decided.get(first.id))
        is_open = (at is None or at > second.received_at) and first.alert and first.alert.ends > second.received_at
        if rule is None or one.kind != other.kind or second.received_at - first.received_at > rule.span:
            continue
        if is_open and metres(one.centre, other.centre) <= rule.radius:
            yield Breach("one draft for a crowd", f"{second.id} beside {first.id}, which waits", second.received_at)


def counted(db: sqlite3.Connection) -> tuple[int, int]:
    """How many reports there are, and how many drafts crowds made."""
    reports = db.execute("SELECT COUNT(*) FROM report").fetchone()[0]
    drafts = db.execute("SELECT COUNT(*) FROM alert WHERE source = ?", (REPORTS,)).fetchone()[0]
    return reports, drafts
