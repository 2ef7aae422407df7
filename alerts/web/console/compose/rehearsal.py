"""What an alert would come to if it were filed now: each channel's post as it will look there, or why there is none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from alerts.desk.actions import Filed
from alerts.desk.draft import Lack, draft_alert, lacking
from alerts.desk.officer import Officer
from alerts.desk.posts import DraftPost
from alerts.desk.report import no_post_of
from alerts.desk.routing import PRACTICE
from alerts.desk.service import DeskService, DeskUnit
from alerts.desk.station import Outlet, Station
from alerts.model.alert import Alert, Severity, Status
from alerts.model.errors import Misuse, Refused
from alerts.model.incident import AlertState, StoredAlert, new_id
from alerts.model.person import Actor
from alerts.model.reason import Reason, because
from alerts.web.console.compose.prefill import changes_between, other_order
from alerts.web.console.compose.reading import Reading


@dataclass(frozen=True, slots=True)
class Wish:
    """What an officer wants filed: a form that was read, and, of an update, the alert and the form as it was before."""

    reading: Reading
    fields: Mapping[str, Any]
    about: StoredAlert | None = None
    before: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Card:
    """One channel: its post, or why it gets none (`silence`)."""

    outlet: Outlet
    draft: DraftPost | None = None
    silence: Reason | None = None


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What would come of it. `refusal` is why nothing would; `goes_at` is when a veto's time would be over.

    `lacks` is what it has to say before it may go out, `other_order` what is prepared for its severity where the order
    prepared for another one stands in the form.
    """

    alert: Alert | None = None
    cards: tuple[Card, ...] = ()
    state: AlertState | None = None
    goes_at: datetime | None = None
    refusal: Reason | None = None
    lacks: tuple[Lack, ...] = ()
    other_order: str = ""

    @property
    def drafts(self) -> list[DraftPost]:
        """The posts."""
        return [card.draft for card in self.cards if card.draft]

    @property
    def channels(self) -> tuple[str, ...]:
        """Where there would be a post."""
        return tuple(card.outlet.name for card in self.cards if card.draft)


def file_wish(unit: DeskUnit, actor: Actor, wish: Wish, *, again: bool, unfinished: bool = False) -> Filed:
    """File it: a new alert, or the next version of the one that it is about. Raises as `Officer.post`."""
    draft, officer = wish.reading.draft, Officer(unit, actor)
    if draft is None:
        raise Misuse("; ".join(wish.reading.problems.values()))
    if wish.about is None:
        alert = draft_alert(draft, unit.desk.station, unit.now, unit.new_id())
        return officer.post(alert, wish.reading.channels, again=again, unfinished=unfinished)
    changes = changes_between(wish.before or {}, wish.fields, draft)
    return officer.update(wish.about.id, changes, wish.reading.channels, again=again, unfinished=unfinished)


async def rehearse(service: DeskService, station: Station, actor: Actor, wish: Wish) -> Rehearsal:
    """Rehearse it in a database of its own; nothing is stored, whatever it comes to."""
    draft = wish.reading.draft
    if draft is None:
        return Rehearsal()

    def action(unit: DeskUnit) -> Rehearsal:
        order = other_order(wish.fields, unit.desk.prepared(draft.hazard, station.language) if draft.hazard else None)
        try:
            filed = file_wish(unit, actor, wish, again=True, unfinished=True)
        except (Misuse, Refused) as error:
            alert = _alert_alone(unit, wish)
            return Rehearsal(alert, _silent(station, wish, alert), refusal=error.reason, other_order=order)
        notes = _notes(unit, filed)
        posts = {made.post.channel: made for made in filed.drafts}
        alert = filed.record.alert
        cards = tuple(
            Card(outlet, posts[outlet.name])
            if outlet.name in posts
            else Card(outlet, silence=notes.get(outlet.name) or _silence(outlet, alert, wish))
            for outlet in station.outlets
        )
        goes_at = next((made.post.not_before for made in filed.drafts), None)
        lacks = lacking(alert, station.name, unit.desk.says_what_to_do) if alert else []
        return Rehearsal(alert, cards, filed.record.state, goes_at, lacks=tuple(lacks), other_order=order)

    return await service.sketch(action, wish.about.incident_id if wish.about else None)


def _alert_alone(unit: DeskUnit, wish: Wish) -> Alert | None:
    try:
        return draft_alert(wish.reading.draft, unit.desk.station, unit.now, new_id()) if wish.reading.draft else None
    except Misuse:
        return None


def _silent(station: Station, wish: Wish, alert: Alert | None) -> tuple[Card, ...]:
    return tuple(Card(outlet, silence=_silence(outlet, alert, wish)) for outlet in station.outlets)


def _notes(unit: DeskUnit, filed: Filed) -> dict[str, Reason]:
    """Why the desk made no post for a channel that takes the alert, by channel."""
    history = unit.views.history(filed.record.incident_id)
    return dict(no_post_of(event) for event in history if event.what == "no_post")


def _silence(outlet: Outlet, alert: Alert | None, wish: Wish) -> Reason:
    """Why routing leaves a channel out."""
    status = alert.status if alert else Status.ACTUAL
    if outlet.exercise is not (status in PRACTICE):
        return because("silent_for_exercises" if outlet.exercise else "silent_live")
    if not outlet.public:
        return because("silent_internal")
    if wish.reading.channels and outlet.name not in wish.reading.channels:
        return because("silent_unchosen")
    severity = alert.severity if alert else Severity.UNKNOWN
    if severity is not Severity.UNKNOWN and not severity.at_least(outlet.severity):
        return because("silent_takes_worse", least=outlet.severity)
    return because("silent_now" if wish.about is None else "silent_unchosen")


def reached(names: Sequence[str], standings: Sequence[Mapping[str, Any]]) -> int | None:
    """How many follow these channels, as far as their platforms told; None where none did."""
    told = [standing["followers"] for standing in standings if standing["channel"] in names]
    known = [number for number in told if number is not None]
    return sum(known) if known else None
