"""Somebody at the desk: what they do is checked against their role, done, and written down, in one transaction.

Command line, API, console and bot all act through this; feeds act through `Desk` alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from alerts.desk import approval
from alerts.desk.actions import Desk, Filed
from alerts.desk.amending import all_clear_of, cancel_of, correction_of, update_of
from alerts.desk.sitting import Sitting
from alerts.model.actor import MAY, Act, Actor, fold_name
from alerts.model.alert import Alert
from alerts.model.draft import SavedDraft, Typed
from alerts.model.errors import Forbidden, Refused
from alerts.model.incident import Record
from alerts.model.person import Entry
from alerts.model.post import Post, PostState


@dataclass(frozen=True, slots=True)
class Officer:
    """An actor in a sitting. Every method raises Forbidden where the role doesn't allow it."""

    sitting: Sitting
    actor: Actor

    def post(self, alert: Alert, channels: Sequence[str] = (), *, again: bool = False) -> Filed:
        """File an alert of one's own. Raises Misuse, or Refused where nobody would get it."""
        return self.file(Act.POST, alert, channels, again=again)

    def update(
        self, name: str, changes: Mapping[str, Any], channels: Sequence[str] = (), *, again: bool = False
    ) -> Filed:
        """File the next version of an alert: what `changes` (Draft's fields) doesn't say stays. Raises as `post`."""
        self.must(Act.UPDATE)
        alert = update_of(self._found(name), dict(changes), self._desk.station, self.sitting.now, self.sitting.new_id())
        return self.file(Act.UPDATE, alert, channels, again=again)

    def cancel(self, name: str, reason: str | None = None, *, over: bool = False) -> Filed:
        """End an alert: it no longer holds, or (`over`) what it told of is over. Raises as `post`."""
        self.must(Act.CANCEL)
        end = all_clear_of if over else cancel_of
        return self._end(Act.CANCEL, end, name, reason)

    def correct(self, name: str, reason: str | None = None) -> Filed:
        """Say that an alert was wrong, wherever it is, ahead of everything else. Raises as `post`."""
        self.must(Act.CORRECT)
        return self._end(Act.CORRECT, correction_of, name, reason)

    def approve(self, name: str, *, seen: str | None = None) -> tuple[Record, list[Post]]:
        """Let a waiting alert go out exactly as it was shown (`seen`: its fingerprint).

        Raises Forbidden for its own author, Conflict where somebody was faster or it isn't what was shown.
        """
        self.must(Act.APPROVE)
        record = self._found(name)
        self.must_be_another(record)
        self._must_fit(record)
        done = approval.approve(self.sitting.books, name, self.actor.name, self.sitting.now, seen=seen)
        self.write(Act.APPROVE, record.id, f"{_headline(record)} [{seen or 'by its id'}]")
        return done

    def reject(self, name: str, reason: str | None = None) -> tuple[Record, list[Post]]:
        """Keep a waiting alert from going out. Its own author may: nobody is held to what they wrote."""
        record = self._found(name)
        if not self._wrote(record):
            self.must(Act.REJECT)
        done = approval.reject(self.sitting.books, name, self.actor.name, reason, self.sitting.now)
        self.write(Act.REJECT, record.id, reason or "")
        return done

    def send_back(self, name: str, note: str, fields: Mapping[str, Typed]) -> SavedDraft:
        """Reject an officer's alert and lay it before its author again, as a draft with a note and these words."""
        self.must(Act.SEND_BACK)
        record = self._found(name)
        if record.author is None:
            raise Refused(f"{record.id} came from {record.source}, which nobody wrote here; update or reject it")
        approval.reject(self.sitting.books, name, self.actor.name, f"sent back: {note}", self.sitting.now)
        draft = SavedDraft(
            self.sitting.new_id(), record.author, self.sitting.now, fields=fields, note=f"{self.actor.name}: {note}"
        )
        self.sitting.drafts.put_draft(draft)
        self.write(Act.SEND_BACK, record.id, note)
        return draft

    def retry(self, name: str) -> list[Post]:
        """Queue again what failed or is in doubt. Raises Misuse or Refused."""
        self.must(Act.RETRY)
        posts = approval.retry(self.sitting.books, name, self.sitting.now)
        self.write(Act.RETRY, posts[0].alert_id, ", ".join(post.channel for post in posts))
        return posts

    def drop(self, name: str) -> list[Post]:
        """Give up what failed or is in doubt. Raises Misuse or Refused."""
        self.must(Act.DROP)
        posts = approval.drop(self.sitting.books, name, self.sitting.now)
        self.write(Act.DROP, posts[0].alert_id, ", ".join(post.channel for post in posts))
        return posts

    def file(self, act: Act, alert: Alert, channels: Sequence[str] = (), *, again: bool = False) -> Filed:
        """File an alert that was made for this `act` (post, update, cancel, correct). Raises as `post`."""
        self.must(act)
        filed = self._desk.post(self.sitting.books, alert, channels, again=again, author=self.actor.name)
        if filed.fresh:
            self.write(act, filed.record.id, f"{alert.status} {_headline(filed.record)}")
        return filed

    def must(self, act: Act) -> None:
        """Raise Forbidden unless the role allows it."""
        if not self.actor.may(act):
            needed = MAY[act]
            raise Forbidden(f"{self.actor.name} is {self.actor.role}; to {act} takes {needed} or more")

    def must_be_another(self, record: Record) -> None:
        """Raise Forbidden for who wrote it, unless the station says that there is nobody else."""
        if self._wrote(record) and not self._desk.station.alone:
            raise Forbidden(
                f"{record.id} was written by {record.author}: somebody else validates it (or [desk] alone = true)"
            )

    def write(self, act: str, subject: str, detail: str = "") -> None:
        """Add a line to the record of who did what."""
        actor = self.actor
        line = " ".join(detail.split())
        self.sitting.ledger.write(
            Entry(self.sitting.now, actor.name, actor.role, actor.origin, actor.address, act, subject, line)
        )

    @property
    def _desk(self) -> Desk:
        return self.sitting.desk

    def _found(self, name: str) -> Record:
        return approval.find_alert(self.sitting.books, name)

    def _wrote(self, record: Record) -> bool:
        return record.author is not None and fold_name(record.author) == fold_name(self.actor.name)

    def _end(self, act: Act, end: Callable[..., Alert], name: str, reason: str | None) -> Filed:
        alert = end(self._found(name), reason, self._desk.station, self.sitting.now, self.sitting.new_id())
        return self.file(act, alert, (), again=True)

    def _must_fit(self, record: Record) -> None:
        """An exercise stays one: nothing of it was ever let onto a live channel, whatever channels.toml says by now."""
        for post in self.sitting.books.posts_of(record.id):
            outlet = self._desk.station.outlet(post.channel)
            if post.state is PostState.WAITING and (outlet is None or outlet.exercise is not post.exercise):
                what = "isn't there any more" if outlet is None else "takes exercises" if outlet.exercise else "is live"
                raise Refused(f"{record.id} can't go out: the channel {post.channel} {what}; reject it and post anew")


def _headline(record: Record) -> str:
    info = record.alert.infos[0] if record.alert and record.alert.infos else None
    return (info.headline or info.event) if info else ""
