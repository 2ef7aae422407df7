"""Somebody at the desk: what they do is checked against their role, done, and written down, in one transaction.

Command line, API, console and bot all act through `Officer`; feeds act through `Desk` alone.

What an officer says about an alert that is out is a message of its own: `update_of`, `cancel_of`, `all_clear_of` and
`correction_of` make it from the message that `current_version` finds, whichever of the incident's messages was named.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from types import MappingProxyType
from typing import Any

from alerts.desk import approve
from alerts.desk.actions import Desk, Filed
from alerts.desk.approve import is_vetoed, must_be_another, must_fit, must_leave, wrote
from alerts.desk.dedupe import end_reason, release
from alerts.desk.draft import Draft, draft_alert
from alerts.desk.following import is_proposal, predecessor
from alerts.desk.unit import DeskUnit, deferred_by_limits
from alerts.desk.versions import why_fallen
from alerts.model.alert import (
    CORRECTED,
    ENDS_BY,
    Alert,
    Info,
    MsgType,
    NamedValue,
    Reference,
    ResponseType,
    Severity,
    Status,
    Urgency,
)
from alerts.model.errors import Conflict, Forbidden, Misuse, Refused
from alerts.model.incident import MANUAL, AlertState, SavedDraft, StoredAlert, Typed
from alerts.model.person import MAY, Account, Act, Actor, AuditEntry, Role
from alerts.model.post import EndReason, Post, PostKind, PostState
from alerts.model.reason import because
from alerts.model.town import Town
from alerts.store.alerts import AlertRepository

DECIDED: Mapping[Act, str] = MappingProxyType(
    {Act.APPROVE: "validated", Act.REJECT: "rejected", Act.SEND_BACK: "sent back"}
)
"""The acts that end the waiting, as the notices word them."""


@dataclass(frozen=True, slots=True)
class Officer:
    """An actor in a unit. Every method raises Forbidden where the role doesn't allow it."""

    unit: DeskUnit
    actor: Actor

    def post(
        self, alert: Alert, channels: Sequence[str] = (), *, again: bool = False, unfinished: bool = False
    ) -> Filed:
        """File an alert of one's own. Raises Misuse, or Refused where nobody would get it."""
        return self.file(Act.POST, alert, channels, again=again, unfinished=unfinished)

    def update(
        self,
        name: str,
        changes: Mapping[str, Any],
        channels: Sequence[str] = (),
        *,
        again: bool = False,
        unfinished: bool = False,
    ) -> Filed:
        """File the next version of an alert: fields missing from `changes` (Draft's) stay. Raises as `post`.

        Whichever of an incident's messages is named, it follows the current one (`current_version`).
        """
        self.must(Act.UPDATE)
        stored = self.current_version(name, Act.UPDATE)
        if changes.get("exercise") and stored.alert is not None and stored.alert.status is Status.ACTUAL:
            raise Misuse(because("update_no_exercise", alert=stored.id))
        alert = update_of(stored, dict(changes), self._desk.station, self.unit.now, self.unit.new_id())
        return self.file(Act.UPDATE, alert, channels, again=again, unfinished=unfinished)

    def cancel(self, name: str, reason: str | None = None, *, over: bool = False) -> Filed:
        """End an alert: it no longer holds, or (`over`) its event is over. Raises as `post`."""
        self.must(Act.CANCEL)
        end = all_clear_of if over else cancel_of
        return self._end(Act.CANCEL, end, name, reason)

    def correct(self, name: str, reason: str | None = None) -> Filed:
        """Say that an alert was wrong, wherever it is, ahead of everything else. Raises as `post`.

        What is right (`reason`) goes with it where an approver says so; of who needs a validation it waits and follows.
        """
        self.must(Act.CORRECT)
        self._no_words_must_wait(self._found(name))
        return self._end(Act.CORRECT, correction_of, name, reason)

    def _no_words_must_wait(self, corrected: StoredAlert) -> None:
        """Raise Conflict where the words of an earlier correction wait: a second one would take their place unseen."""
        for stored in self.unit.alerts.incident(corrected.incident_id):
            ending = end_reason(stored.alert) if stored.alert is not None and stored.source == MANUAL else None
            if ending is EndReason.CORRECTED and stored.state is AlertState.WAITING:
                raise Conflict(because("correction_s_words_wait", alert=stored.id))

    def current_version(self, name: str, act: Act) -> StoredAlert:
        """The message that an update, a cancellation or a correction of that name is built on. Raises Misuse."""
        return current_version(self.unit.alerts, self._found(name), ends=act is not Act.UPDATE)

    def approve(self, name: str, *, seen: str | None = None, again: bool = False) -> tuple[StoredAlert, list[Post]]:
        """Let a waiting alert go out exactly as it was shown (`seen`: its fingerprint).

        Raises Forbidden for its own author, Conflict where somebody was faster, it isn't what was shown, or its event
        is out already by another feed and `again` doesn't say that it is meant.
        """
        self.must(Act.APPROVE)
        stored = self._found(name)
        posts = self._must_wait(stored)
        self.must_be_another(stored)
        # Looked at here, since channels.toml may have changed since the posts were made.
        must_fit(stored, posts, self._desk.station)
        done = approve.approve(self.unit.alerts, name, self.actor.name, self.unit.now, seen=seen, again=again)
        alone = ", alone" if self._wrote(stored) else ""
        self.write(Act.APPROVE, stored.id, f"{_headline(stored)} [{seen or 'by its id'}]{alone}")
        return done

    def reject(self, name: str, reason: str | None = None) -> tuple[StoredAlert, list[Post]]:
        """Reject a waiting alert. Its own author may: nobody is bound to their own words.

        A feed's alert under a veto can be stopped by every author, since it is out before an approver is found. Raises
        Conflict if somebody was faster.
        """
        stored = self._found(name)
        is_light = self._wrote(stored) or is_vetoed(stored, self.unit.alerts.posts_of(stored.id))
        self.must(Act.POST if is_light else Act.REJECT)
        self._must_wait(stored)
        done = approve.reject(self.unit.alerts, name, self.actor.name, reason, self.unit.now)
        # What waited behind it may go out by its own veto now.
        release(self.unit.alerts, stored, self._desk.station, self.unit.now)
        self.write(Act.REJECT, stored.id, reason or "")
        return done

    def send_back(self, name: str, note: str, fields: Mapping[str, Typed]) -> SavedDraft:
        """Reject an officer's alert and lay it before its author again, as a draft with a note and these words.

        What was to update an alert that is out, becomes a draft about that one. Raises Conflict as `reject`.
        """
        self.must(Act.SEND_BACK)
        stored = self._found(name)
        self._must_wait(stored)
        # The account that gets it back. Raises Refused if nobody would read it, or it can't be a draft.
        accounts = self.unit.accounts
        if stored.author is None:
            raise Refused(because("written_by_nobody_here", alert=stored.id, source=stored.source))
        if accounts.account(stored.author) is None and accounts.accounts():
            raise Refused(because("author_without_account", alert=stored.id, author=stored.author))
        if stored.alert is None or end_reason(stored.alert) is not None:
            raise Refused(because("end_is_not_edited", alert=stored.id))
        author = stored.author
        if not note.strip():
            raise Misuse(because("note_missing"))
        approve.reject(self.unit.alerts, name, self.actor.name, note, self.unit.now, sent_back=True)
        draft = SavedDraft(
            self.unit.new_id(),
            author,
            self.unit.now,
            about=self._goes_on_from(stored),
            fields=fields,
            note=f"{self.actor.name}: {note}",
        )
        self.unit.drafts.put_draft(draft)
        self.write(Act.SEND_BACK, stored.id, note)
        return draft

    def retry(self, name: str, *, over_limit: bool = False) -> list[Post]:
        """Queue again what failed or is in doubt, or (`over_limit`) send what waits for the town's own limit now.

        That takes who may validate. Raises Misuse or Refused, also where the platform's own limit holds it.
        """
        self.must(Act.RETRY)
        if over_limit:
            self.must(Act.APPROVE)
            deferred = deferred_by_limits(self.unit.views, self._desk.station, self.unit.now)
            posts = approve.send_over_limit(self.unit.alerts, name, deferred, self.unit.now)
        else:
            fallen = partial(why_fallen, self.unit)
            posts = approve.retry(self.unit.alerts, name, self.unit.now, fallen=fallen)
        over = ", over the town's own limit" if over_limit else ""
        self.write(Act.RETRY, posts[0].alert_id, ", ".join(post.channel for post in posts) + over)
        return posts

    def drop(self, name: str) -> list[Post]:
        """Give up what failed or is in doubt. Raises Misuse or Refused."""
        self.must(Act.DROP)
        posts = approve.drop(self.unit.alerts, name, self.unit.now)
        self.write(Act.DROP, posts[0].alert_id, ", ".join(post.channel for post in posts))
        return posts

    def file(
        self, act: Act, alert: Alert, channels: Sequence[str] = (), *, again: bool = False, unfinished: bool = False
    ) -> Filed:
        """File an alert that was made for this `act` (post, update, cancel, correct). Raises as `post`.

        With `unfinished` it is only a preview, while it is being written.

        Raises Forbidden if it would withdraw somebody else's waiting alert and the role doesn't reject.
        """
        self.must(act)
        if act is not Act.POST:
            self._must_go_on_from_what_stands(act, alert)
        bare, author = self._without_unseen_words(alert), self.actor.name
        filed = self._desk.post(self.unit.alerts, bare, channels, again=again, author=author, unfinished=unfinished)
        # Only now is it known what the message would withdraw; what this raises undoes all of it.
        self._must_leave_others_alone(alert, filed)
        if act is Act.UPDATE:
            self._must_not_revive(filed.stored)
        if filed.fresh:
            self.write(act, filed.stored.id, f"{alert.status} {_headline(filed.stored)}")
        says_more = replace(bare, identifier=alert.identifier, sender=alert.sender) != alert
        if says_more and filed.fresh and filed.drafts:
            words = words_after(alert, bare, self.unit.new_id())
            more = self._desk.follow_up(self.unit.alerts, words, filed.stored, self.actor.name)
            return replace(filed, words=more.stored)
        return filed

    def call_off_gone(self, source: str) -> int:
        """Agree that the entries that vanished from a calendar are cancelled; returns how many they are.

        Its next reading announces it. Raises Refused if nothing is undecided.
        """
        self.must(Act.CANCEL)
        gone = self.unit.alerts.gone_from(source)
        if gone is None:
            raise Refused(because("nothing_gone", source=source))
        # The key stands for exactly what is gone now: what vanishes later asks again (docs/adr/0012).
        key, entries = gone
        self.unit.alerts.agree(source, key, self.unit.now)
        self.write(Act.CANCEL, source, f"{entries} entries that are gone from it")
        return entries

    def must(self, act: Act) -> None:
        """Raise Forbidden unless the role allows it: the actor's, and as it is now that of the account of this name.

        So a role that was lowered since the page was opened counts at once, and no token may more than its owner.
        """
        account = self.unit.accounts.account(self.actor.name)
        if account is not None and account.disabled_at is not None:
            raise Forbidden(because("account_disabled", name=account.name))
        role = self._no_more_than(account)
        if not role.may(act):
            raise Forbidden(because("role_too_low", name=self.actor.name, role=role, act=act, needed=MAY[act]))

    def must_be_another(self, stored: StoredAlert) -> None:
        """Raise Forbidden for its author, or a submitter of cited reports, unless the town has nobody else."""
        brought = self.unit.reports.brought_by([stored.id]).get(stored.id, ())
        must_be_another(self.actor, stored, self._desk.station, brought)

    def write(self, act: str, subject: str, detail: str = "") -> None:
        """Add a line to the audit log."""
        actor = self.actor
        line = " ".join(detail.split())
        self.unit.audit.write(
            AuditEntry(self.unit.now, actor.name, actor.role, actor.origin, actor.address, act, subject, line)
        )

    def _without_unseen_words(self, alert: Alert) -> Alert:
        """A correction waits for nobody, so it goes without the words of whoever needs a validation.

        However it was written: as a correction, or as a CAP message that says it is one. Any other alert as it is.
        """
        is_free = self._desk.station.rules_for(MANUAL).publish == "auto" or self._role.at_least(MAY[Act.APPROVE])
        if is_free or end_reason(alert) is not EndReason.CORRECTED:
            return alert
        named = self._named(alert)
        if named is None:
            return alert
        stands = current_version(self.unit.alerts, named, ends=True)
        return without_own_words(alert, stands, self._desk.station)

    def _named(self, alert: Alert) -> StoredAlert | None:
        """The message that this one goes on from: that by which it is decided, whatever else it names."""
        return predecessor(self.unit.alerts, alert, MANUAL, self._desk.station, self.unit.now)

    def _must_go_on_from_what_stands(self, act: Act, alert: Alert) -> None:
        """Raise Conflict for what was written of a message whose place another one took meanwhile."""
        named = self._named(alert)
        for last in self.unit.alerts.by_identifier(alert.references[-1].identifier if alert.references else "")[:1]:
            # Of several of one incident it was written of the last; what names others too is decided by the newest.
            if named is None or last.incident_id == named.incident_id:
                named = last
        if named is None or named.alert is None:
            return
        stands = current_version(self.unit.alerts, named, ends=act is not Act.UPDATE)
        if stands.alert is not None and stands.alert.identifier != named.alert.identifier:
            raise Conflict(because("came_meanwhile", alert=stands.id, act=act))

    def _must_not_revive(self, stored: StoredAlert) -> None:
        """Raise Refused for the next version of what was withdrawn as wrong: its words would be out again."""
        earlier = [each for each in self.unit.alerts.incident(stored.incident_id) if each.id != stored.id]
        taken_in = [each for each in earlier if each.state is AlertState.ACCEPTED and each.alert is not None]
        last = taken_in[-1] if taken_in else None
        if last is not None and last.alert is not None and end_reason(last.alert) is EndReason.CORRECTED:
            raise Refused(because("was_taken_back", by=last.id))

    def _must_leave_others_alone(self, alert: Alert, filed: Filed) -> None:
        """Raise Forbidden if it would withdraw others' waiting alerts, which undoes it.

        Published corrections are exempt.
        """
        reason = end_reason(alert)
        is_correction = reason is EndReason.CORRECTED and bool(filed.drafts)
        if is_correction or self._role.at_least(MAY[Act.REJECT]):
            return
        waited = [post for post in filed.withdrawn if post.state is PostState.WAITING]
        for name in dict.fromkeys(post.alert_id for post in waited):
            stored = next(each for each in self.unit.alerts.by_id(name) if each.id == name)
            if not self._wrote(stored) and not is_proposal(self.unit.alerts, stored, self._desk.station):
                must_leave(stored, [post for post in waited if post.alert_id == name], ends=reason is not None)

    @property
    def _role(self) -> Role:
        """The actor's, and no more than that of the account of this name as it is now."""
        return self._no_more_than(self.unit.accounts.account(self.actor.name))

    def _no_more_than(self, account: Account | None) -> Role:
        if account is None or account.role.at_least(self.actor.role):
            return self.actor.role
        return account.role

    @property
    def _desk(self) -> Desk:
        return self.unit.desk

    def _found(self, name: str) -> StoredAlert:
        return approve.find_alert(self.unit.alerts, name)

    def _wrote(self, stored: StoredAlert) -> bool:
        return wrote(self.actor, stored)

    def _must_wait(self, stored: StoredAlert) -> Sequence[Post]:
        """Return its posts. Raises Conflict for who comes second, with who was faster, and when."""
        posts = self.unit.alerts.posts_of(stored.id)
        if any(post.state is PostState.WAITING for post in posts):
            return posts
        for line in self.unit.audit.newest(subject=stored.id, most=5):
            if line.entry.act in DECIDED:
                entry, zone = line.entry, self._desk.station.zone
                done, at = DECIDED[Act(entry.act)], entry.at.astimezone(zone)
                raise Conflict(because("was_faster", who=entry.actor, done=done, alert=stored.id, at=at))
        return posts

    def _goes_on_from(self, stored: StoredAlert) -> str | None:
        """The alert that is out which a waiting update changes."""
        before = [each for each in self.unit.alerts.incident(stored.incident_id) if each.id != stored.id]
        return next((each.id for each in reversed(before) if each.state is AlertState.ACCEPTED), None)

    def _end(self, act: Act, end: Callable[..., Alert], name: str, reason: str | None) -> Filed:
        alert = end(self.current_version(name, act), reason, self._desk.station, self.unit.now, self.unit.new_id())
        # An end is never a double tap: it is meant even where the same words ended another alert minutes ago.
        return self.file(act, alert, (), again=True)


def _headline(stored: StoredAlert) -> str:
    info = stored.alert.infos[0] if stored.alert and stored.alert.infos else None
    return (info.headline or info.event) if info else ""


# The fields of a draft that say where; with one of them, all of where is told anew.
_WHERE = frozenset(("areas", "place", "polygons", "circles", "nowhere"))


def current_version(alerts: AlertRepository, named: StoredAlert, *, ends: bool) -> StoredAlert:
    """The message that a word about this incident is built on, whichever of its messages was named.

    It is the newest whose words were let out: an update by an older one's id would take newer words back, and an end
    speaks of what readers know. A message that waits is built on only where nothing was let out, or where an update
    names it itself, to take its place. What was rejected, left out, or is an end itself has no words to go on with.
    """
    if not ends and named.state is AlertState.WAITING:
        return named
    incident = alerts.incident(named.incident_id)
    for state in (AlertState.ACCEPTED, AlertState.WAITING):
        for stored in reversed(incident):
            if stored.state is state and stored.alert is not None and not _is_end(alerts, stored):
                return stored
    return named


def _is_end(alerts: AlertRepository, stored: StoredAlert) -> bool:
    """True if all its posts, present or future, are ends: also for a feed's message that its alert moved away."""
    posts = alerts.posts_of(stored.id)
    says_so = stored.alert is not None and end_reason(stored.alert) is not None
    return says_so or (bool(posts) and all(post.kind is PostKind.END for post in posts))


def update_of(stored: StoredAlert, changes: Mapping[str, Any], station: Town, now: datetime, identity: str) -> Alert:
    """The alert again with `changes` (fields of Draft); what isn't changed stays as it was.

    Raises Misuse as a draft does, and Refused for an entry that could not be read.
    """
    before = _alert_of(stored)
    info = before.info_for(station.language) or Info(event="")
    kept: dict[str, Any] = {
        "headline": info.headline or info.event,
        "description": info.description,
        "instruction": info.instruction,
        "event": info.event,
        "category": info.categories[0],
        "severity": info.severity,
        "urgency": info.urgency,
        "certainty": info.certainty,
        # A draft reads times as they are typed: spelled with their offset, they come back the same.
        "onset": info.onset.isoformat() if info.onset else None,
        "expires": info.expires.isoformat() if info.expires else None,
        "web": info.web,
        "language": info.language,
    }
    given = {name: value for name, value in changes.items() if value not in (None, (), False)}
    if not given:
        raise Misuse(because("nothing_to_change"))
    alert = draft_alert(Draft(**{**kept, **given}), station, now, identity)
    said = replace(
        alert.infos[0],
        areas=alert.infos[0].areas if _WHERE & given.keys() else info.areas,
        resources=alert.infos[0].resources if {"image", "no_picture"} & given.keys() else info.resources,
        parameters=_parameters(info, alert.infos[0].parameters),
        event_codes=info.event_codes,
    )
    return _following(replace(alert, infos=(said,)), before, MsgType.UPDATE)


def _parameters(before: Info, own: tuple[NamedValue, ...]) -> tuple[NamedValue, ...]:
    """Return the earlier parameters except those that are given again."""
    names = {pair.name for pair in own}
    return (*(pair for pair in before.parameters if pair.name not in names), *own)


def cancel_of(stored: StoredAlert, reason: str | None, station: Town, now: datetime, identity: str) -> Alert:
    """Return the end of an alert that no longer holds. `reason` is published."""
    return _following(_ending(stored, reason, station, now, identity), _alert_of(stored), MsgType.CANCEL)


def all_clear_of(stored: StoredAlert, reason: str | None, station: Town, now: datetime, identity: str) -> Alert:
    """Return the end of an alert whose event is over. `reason` is published."""
    before = _alert_of(stored)
    alert = _ending(stored, reason, station, now, identity)
    info = alert.infos[0] if alert.infos else Info(event="Alerte")
    clear = replace(info, urgency=Urgency.PAST, response_types=(ResponseType.ALL_CLEAR,))
    return _following(replace(alert, infos=(clear,)), before, MsgType.UPDATE)


def correction_of(stored: StoredAlert, reason: str | None, station: Town, now: datetime, identity: str) -> Alert:
    """The end of the alert: it was wrong. `reason` says what is right."""
    mark = (NamedValue(ENDS_BY, CORRECTED),)
    return _following(_ending(stored, reason, station, now, identity, mark=mark), _alert_of(stored), MsgType.CANCEL)


def without_own_words(correction: Alert, stored: StoredAlert, station: Town) -> Alert:
    """Return the correction for publication without validated words: it names the wrong message as it was.

    Of the written one it keeps its time, and nothing else: a sender and an identifier are words too. Its own identifier
    is made from theirs, so that the same message again is the same one.
    """
    named = sha256(f"{correction.sender},{correction.identifier}".encode()).hexdigest()[:32]
    return replace(correction_of(stored, None, station, correction.sent, named), sent=correction.sent)


def words_after(correction: Alert, bare: Alert, identity: str) -> Alert:
    """The correction with its words as a message of its own, which goes on from the one without (`bare`)."""
    reference = Reference(bare.sender, bare.identifier, bare.sent.astimezone(UTC).replace(microsecond=0))
    return replace(correction, identifier=f"tocsin-{identity}", references=(*correction.references, reference))


def _alert_of(stored: StoredAlert) -> Alert:
    if stored.alert is None:
        raise Refused(because("unread_nothing_to_say", alert=stored.id))
    return stored.alert


def _ending(
    stored: StoredAlert,
    reason: str | None,
    station: Town,
    now: datetime,
    identity: str,
    *,
    mark: tuple[NamedValue, ...] = (),
) -> Alert:
    before = _alert_of(stored)
    infos: tuple[Info, ...] = ()
    if before.infos:
        info = before.info_for(station.language) or before.infos[0]
        said = replace(info, description=None, instruction=None, resources=(), parameters=(*info.parameters, *mark))
        infos = (said,)
    elif mark:
        infos = (Info(event="Alerte", severity=Severity.UNKNOWN, parameters=mark),)
    sent = now.replace(microsecond=0).astimezone(station.zone)
    return Alert(f"tocsin-{identity}", station.sender, sent, status=before.status, note=reason, infos=infos)


def _following(alert: Alert, before: Alert, msg_type: MsgType) -> Alert:
    own = Reference(before.sender, before.identifier, before.sent.astimezone(UTC).replace(microsecond=0))
    return replace(alert, status=before.status, msg_type=msg_type, references=(*before.references, own))
