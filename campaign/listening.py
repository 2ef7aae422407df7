"""One town that listens: people speak on its three platforms, officers answer, and its daemons are killed meanwhile."""

from __future__ import annotations

import json
import random
import re
import sqlite3
import time
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from alerts.config import load_config
from alerts.daemon.desk import Control, now
from alerts.model.alert import Severity
from alerts.model.town import Server
from campaign.audit import Breach, audit
from campaign.ledger import keep, read_answers, read_timeline
from campaign.marks import alert_of, answer_of
from campaign.play import PACE, QUIET_WITHIN, TAKEOVER, Outcome, Play, wait_until
from campaign.remarks import Answered, Said, answering, hearing
from campaign.running import Running
from campaign.schedule import LONGEST_DELAY
from campaign.schedule import Version as Message
from campaign.talk import Aim, Hour, Speech
from campaign.town import HEARING, PLATFORM, SECRETS

LISTENING = '\n[listening]\nevery = "1s"\n'
PACED = 'limits = ["30/3s"]\nreserve = 0\ntimeout = "3s"\n'
CHAT = "@saintmartin_alertes"
GRAPH = "/v25.0/1234567890/subscribed_apps"
HEARD_WITHIN = 30.0
"""Seconds within which what was said is kept while a daemon listens; a busy machine is slow."""
ASKED_WITHIN = 3.0
"""Seconds for which the database is locked at the most, until an ear has asked."""
WINDOW = {"heard": 0.15, "stored": 0.5, "sent": 0.2}
"""Seconds after the place of a kill began, within which the signal is sent."""
QUIET_FOR = 3.0
"""Seconds for which nothing may be amiss at the end, before that counts: what comes twice comes late."""
_LASTS = 6 * 3600.0
_ASKS = {"x": "/2/", "page": "/comments", "telegram": "getUpdates"}


@dataclass(slots=True)
class Talked(Outcome):
    """What came of one town's plan, with what was said and answered there, and how many kills met which place."""

    remarks: int = 0
    answers: int = 0
    aimed: Counter[Aim] = field(default_factory=Counter)


class Conversation(Play):
    """The processes of one town, what people said under its posts, and what officers answered."""

    def __init__(self, number: int, folder: Path, *, daemons: int = 2, server: bool = False) -> None:
        super().__init__(number, folder, daemons=daemons, server=server)
        self.outcome: Talked = Talked()
        self._chance = random.Random(number)
        self._leases = frozenset({*PLATFORM, "ear x", "ear page", "bot telegram"})
        self._incident = 0
        self._posts: dict[str, str] = {}
        self._said: dict[tuple[str, str], Said] = {}
        self._answers: list[Answered] = []

    def converse(self, hours: Sequence[Hour]) -> Talked:
        """Live through the plan, let everything come to its end, and hold it against what was promised."""
        try:
            self._begin()
            for hour in hours:
                self._live_hour(hour)
            self._settle()
            self._audit()
        finally:
            self.close()
        return self.outcome

    def _begin(self) -> None:
        self._open()
        channels = re.sub(r"(?m)^(hears = true)$", rf"{PACED}\1", HEARING)
        self.town.configure(channels, sources=LISTENING)
        self.town.tocsin("db", "upgrade")
        self._control = Control(load_config(self.town.config))
        self.town.ask("/sandbox/telegram/link", {"chat": CHAT})
        graph = urllib.request.Request(self.town.sandbox + GRAPH, b"subscribed_fields=feed", method="POST")
        graph.add_header("Authorization", f"Bearer {SECRETS['FACEBOOK_TOKEN']}")
        urllib.request.urlopen(graph, timeout=60).close()
        self._start_missing()
        self._await_owners()

    # --- an hour

    def _live_hour(self, hour: Hour) -> None:
        self._break(())
        at_work = self._await_owners()
        if self._killed_at is not None:
            self.outcome.takeovers.append(time.monotonic() - self._killed_at)
        if hour.begins:
            self._begin_incident()
        self._bring_to(at_work[hour.victim % len(at_work)])
        self._break(hour.troubles)
        self._change(hour)
        ids = [id_ for speech in hour.speeches for id_ in self._say(speech)]
        aims: dict[Aim, Callable[[Hour], None]] = {
            "heard": self._kill_before_it_is_stored,
            "stored": self._kill_while_it_is_answered,
            "sent": self._kill_before_it_is_acknowledged,
        }
        if hour.aim != "heard":
            self._await(lambda: self._are_kept(ids), HEARD_WITHIN, f"it was heard: {ids}")
        aims[hour.aim](hour)
        self.outcome.aimed[hour.aim] += 1

    def _begin_incident(self) -> None:
        self._incident += 1
        message = Message(self._incident, 1, "alert", "control", Severity.MODERATE, lasts=_LASTS, after=0.0)
        self._tell(message)
        name = alert_of(message, now(), None).identifier

        def are_out() -> dict[str, str] | None:
            out = self._ledger.receipts(name)
            return out if out.keys() == PLATFORM.keys() else None

        posts = wait_until(are_out, TAKEOVER)
        if posts is None:
            raise AssertionError(f"{name} didn't go out; see {self._folder}")
        self._posts = posts

    def _break(self, troubles: Sequence[Any]) -> None:
        """Some posts are always under way; what people say, and the answers to it, too."""
        super()._break(troubles)
        for platform, seconds in PACE.items():
            self.town.fault(platform, "latency", route="POST .*comments", seconds=seconds)

    def _bring_to(self, daemon: Running) -> None:
        """What is said on the page is brought to this daemon from now on; to nobody, where it doesn't answer yet."""
        address = self._address_of(daemon)
        if address is not None:
            said = {"url": f"{address}/hook/facebook/page", "verify_token": SECRETS["FACEBOOK_VERIFY_TOKEN"]}
            self.town.ask("/sandbox/facebook/webhook", said, patience=TAKEOVER)

    def _say(self, speech: Speech) -> list[tuple[str, str]]:
        """They say it under our post of the incident: each remark's channel and id."""
        platform, post = _place(speech.channel), self._posts[speech.channel]
        under = f"{CHAT}/{post}" if speech.channel == "telegram" else post
        words = [f"{speech.words} ({self.outcome.remarks + each})" for each in range(speech.count)]
        self.outcome.remarks += speech.count
        said = self.town.ask(f"/sandbox/{platform}/say", {"text": words, "under": under}, patience=TAKEOVER)
        chat = f"{said['chat']}:" if speech.channel == "telegram" else ""
        ids = [(speech.channel, f"{chat}{id_}") for id_ in said["ids"]]
        for (channel, id_), text in zip(ids, words, strict=True):
            self._said[channel, id_] = Said(channel, id_, post, text)
        return ids

    def _change(self, hour: Hour) -> None:
        """Some who spoke before write it anew, or take it back; X tells of either only days later."""
        worded = [each for each in self._said.values() if each.text is not None and each.channel != "x"]
        for each in self._chance.sample(worded, min(hour.edits, len(worded))):
            words = f"{each.text} !"
            self._ask_people("edit", each, text=words)
            self._said[each.channel, each.remote_id] = Said(each.channel, each.remote_id, each.under, words)
        on_page = [each for each in self._said.values() if each.text is not None and each.channel == "page"]
        for each in self._chance.sample(on_page, min(hour.removes, len(on_page))):
            self._ask_people("delete", each)
            self._said[each.channel, each.remote_id] = Said(each.channel, each.remote_id, each.under, None)

    def _ask_people(self, act: str, each: Said, **what: str) -> None:
        chat, _, id_ = each.remote_id.rpartition(":")
        where = {"chat": chat} if chat else {}
        self.town.ask(f"/sandbox/{_place(each.channel)}/{act}", {"post": id_, **where, **what}, patience=TAKEOVER)

    def _are_kept(self, ids: Sequence[tuple[str, str]]) -> bool:
        return {(each.channel, each.remote_id) for each in self._ledger.kept()} >= set(ids)

    # --- the three places

    def _kill_before_it_is_stored(self, hour: Hour) -> None:
        """The database takes nothing; people speak; as soon as it was asked for or brought, its ear is killed."""
        victim = self._worker(f"{'bot' if hour.channel == 'telegram' else 'ear'} {hour.channel}")
        with ThreadPoolExecutor(1) as threads:
            with self._nothing_is_stored():
                began = time.time()
                # Facebook waits for an answer of whoever it brings it to.
                speaking = threads.submit(lambda: [self._say(each) for each in hour.crossed])
                wait_until(lambda: self._was_asked(hour.channel, began), ASKED_WITHIN)
                time.sleep(hour.delay * WINDOW["heard"])
                self._kill(victim)
            speaking.result()

    def _kill_while_it_is_answered(self, hour: Hour) -> None:
        """An officer answers, and whoever sends on that channel is killed then; or all are, before and after it."""
        victim = self._worker(hour.channel)
        if hour.idle:
            for each in [each for each in self._daemons if each is not victim]:
                each.stop(9)
            victim.stop(9)
            self._answer(hour)
            self._kill(victim)
            return
        with ThreadPoolExecutor(1) as threads:
            answered = threads.submit(self._answer, hour)
            time.sleep(hour.delay * WINDOW["stored"])
            self._kill(victim)
            answered.result()

    def _kill_before_it_is_acknowledged(self, hour: Hour) -> None:
        """The platform holds what it says of an answer that it has taken, will take, or never takes."""
        trouble = self._hold(hour.trouble)
        victim = self._worker(hour.channel)
        self._answer(hour)
        if trouble is not None and wait_until(lambda: self.town.met(trouble), ASKED_WITHIN):
            self.outcome.delayed += 1
        time.sleep(hour.delay * WINDOW["sent"])
        self._kill(victim)

    def _worker(self, lease: str) -> Running:
        """The daemon that has this lease."""
        for daemon in self._await_owners():
            if self._ledger.works(time.time()).get(lease) == daemon.pid:
                return daemon
        return self._await_owners()[0]

    def _was_asked(self, channel: str, since: float) -> bool:
        platform, part = _place(channel), _ASKS[channel]
        asked = self.town.requests(PLATFORM[channel], "POST" if platform == "telegram" else "GET")
        return any(each["at"] >= since and part in each["path"] and each["status"] for each in asked)

    @contextmanager
    def _nothing_is_stored(self) -> Iterator[None]:
        """Keep the database from taking what people say; a file, from taking anything."""
        place = self.town.place
        if isinstance(place, Server):
            with psycopg.connect(place.url.reveal()) as server:
                server.execute(f'LOCK TABLE "{place.schema}".utterance IN EXCLUSIVE MODE'.encode())
                yield
                server.rollback()
            return
        with closing(sqlite3.connect(place, timeout=60, isolation_level=None)) as db:
            db.execute("BEGIN IMMEDIATE")
            yield
            db.execute("ROLLBACK")

    # --- officers

    def _answer(self, hour: Hour) -> None:
        """Answer a question, or put an answer right. Promised is what the command answered for."""
        question = self._question(hour)
        number = len(self._answers) + 1
        options = ["--next"] if hour.next_ones else []
        done = self.town.tocsin("answer", question, "--text", answer_of(number), *options, "--json")
        if done.returncode != 0:
            raise AssertionError(f"{question} wasn't answered: {done.stderr}")
        account = json.loads(done.stdout)
        self._answers.append(Answered(number, account["question"], account["channels"]))
        self.outcome.answers += 1

    def _question(self, hour: Hour) -> str:
        """One that was asked on the channel of this hour: where it `corrects` an answered one, else an open one."""
        states = {id_: state for id_, _, state in self._ledger.questions()}
        asked = [each.question for each in self._ledger.kept() if each.channel == hour.channel and each.question]
        here = [each for each in dict.fromkeys(reversed(asked)) if each in states]
        wanted = "answered" if hour.corrects else "open"
        fitting = [each for each in here if states[each] == wanted]
        found = fitting or here
        if not found:
            raise AssertionError(f"nobody asks anything on {hour.channel}; see {self._folder}")
        return found[0]

    # --- the end

    def _settle(self) -> None:
        """No more trouble: everything that something will still become of comes to its end."""
        self.town.mend()
        self._bring_to(self._await_owners()[0])
        ends = time.monotonic() + QUIET_WITHIN
        while time.monotonic() < ends:
            wait_until(lambda: self._ledger.open_posts() == 0 and not self._breaches(), ends - time.monotonic())
            time.sleep(QUIET_FOR)
            if self._ledger.open_posts() == 0 and not self._breaches():
                return

    def _breaches(self) -> list[Breach]:
        timelines, said, kept = self.town.timelines(), list(self._said.values()), self._ledger.kept()
        read = [each for channel, name in PLATFORM.items() for each in read_answers(channel, timelines[name])]
        replies = self._ledger.replies()
        return hearing(said, kept) + answering(self._answers, said, kept, read, replies)

    def _audit(self) -> None:
        timelines = self.town.timelines()
        keep(self._folder, timelines)
        self.outcome.breaches += self._breaches()
        self.outcome.excused += sum(each.excused for each in self._ledger.replies())
        for channel, platform in PLATFORM.items():
            seen = list(read_timeline(timelines[platform]))
            entries = self._ledger.entries(channel)
            self.outcome.excused += sum(entry.excused for entry in entries)
            at = time.time()
            self.outcome.breaches += audit(channel, self._promised, seen, entries, looked_at=at, slack=LONGEST_DELAY)


def _place(channel: str) -> str:
    """How the sandbox's addresses call its platform."""
    return PLATFORM[channel]
