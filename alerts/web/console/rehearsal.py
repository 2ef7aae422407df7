"""The result of filing an alert now: the posts, the missing parts of a warning, and the words on the button.

`rehearse` files the form for real, in a blank database of its own that knows one incident at most, so that the preview
is the desk's own result: each channel's post as it will look there, or the reason why there is none. `checklist` checks
the five elements of a warning: the source, the event, the place and the end, the instruction, where to learn more. They
are the elements that people act on (D. S. Mileti and J. H. Sorensen, "Communication of Emergency Public Warnings",
ORNL-6609, 1990). A missing one is reported, and blocks nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from babel.dates import format_skeleton, format_time, format_timedelta
from babel.numbers import format_decimal

from alerts.desk.actions import Filed
from alerts.desk.approve import wrote
from alerts.desk.draft import Lack, draft_alert, lacking
from alerts.desk.officer import Officer
from alerts.desk.posts import DraftPost
from alerts.desk.report import no_post_of
from alerts.desk.routing import PRACTICE
from alerts.desk.service import DeskService
from alerts.desk.unit import DeskUnit
from alerts.model.alert import Alert, Severity, Status
from alerts.model.errors import Misuse, Refused
from alerts.model.incident import AlertState, StoredAlert, new_id
from alerts.model.person import Actor
from alerts.model.post import PostState
from alerts.model.reason import Reason, because
from alerts.model.town import ChannelConfig, Town
from alerts.rendering.card import Card, LinkCard
from alerts.rendering.i18n import Words, primary, sentence
from alerts.rendering.plain import blanks, is_filler, is_whole_town, orders, permits, shouts
from alerts.web.console.drafts import changes_between, other_order
from alerts.web.console.form import Reading

# A longer headline is cut on most screens.
_LONG_HEADLINE = 110
# Above that share of capitals a headline is shouted; abbreviations ("RD 1006, CHU") stay below it.
_SHOUTED = 0.6
# Followers are rounded: platforms' numbers are no more exact.
_TWO_FIGURES = 2
_OPTION = re.compile(r"--([a-z]+)")


@dataclass(frozen=True, slots=True)
class Wish:
    """An officer's wish: a form that was read, and, for an update, the alert and the form as it was before."""

    reading: Reading
    fields: Mapping[str, Any]
    about: StoredAlert | None = None
    before: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class ChannelCard:
    """One channel: its post, or why it gets none (`silence`). `card` is the one that its post carries as a picture."""

    channel: ChannelConfig
    draft: DraftPost | None = None
    silence: Reason | None = None
    card: Card | None = None


@dataclass(frozen=True, slots=True)
class WishRehearsal:
    """The expected result. `refusal` is the reason why there is none; `goes_at` is when a veto would end.

    `lacks` are the missing parts before it may go out, `other_order` the prepared text for such an alert if the form
    has another one's. `link` is the platform's card of the link to the alert's page. `withdraws` are others' waiting
    messages that it would replace.
    """

    alert: Alert | None = None
    cards: tuple[ChannelCard, ...] = ()
    state: AlertState | None = None
    goes_at: datetime | None = None
    refusal: Reason | None = None
    lacks: tuple[Lack, ...] = ()
    other_order: str = ""
    link: LinkCard | None = None
    withdraws: tuple[StoredAlert, ...] = ()

    @property
    def drafts(self) -> list[DraftPost]:
        """The posts."""
        return [card.draft for card in self.cards if card.draft]

    @property
    def channels(self) -> tuple[str, ...]:
        """Where there would be a post."""
        return tuple(card.channel.name for card in self.cards if card.draft)


@dataclass(frozen=True, slots=True)
class CheckedText:
    """The text to check. `signed` and `linked`: every post names its sender, and one leads to a page.

    `own_end`: the end was given rather than assumed, `needs_a_place`: it is an order for some people alone.
    `other_order` is the prepared text for such an alert if the form has another one's.
    """

    station: str
    headline: str
    place: str
    whole: bool
    unplaced: bool
    until: str
    own_end: bool
    instruction: str
    severity: Severity
    signed: bool
    linked: bool
    description: str = ""
    needs_a_place: bool = False
    other_order: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """One element: its name, the result, and the fault or the content."""

    name: str
    good: bool
    words: str


def _field_names(_: Callable[..., str]) -> Mapping[str, str]:
    """Return the form's names for the fields of the command line's options."""
    return {
        "headline": _("Headline"),
        "description": _("Details"),
        "instruction": _("Instruction"),
        "area": _("Where"),
        "place": _("Where"),
        "onset": _("From when"),
        "expires": _("Until when"),
        "image": _("Picture"),
        "alt": _("What the picture shows, in words"),
        "web": _("The town’s page about it"),
        "event": _("Event, in a word or two"),
        "channel": _("Channels"),
    }


@dataclass(frozen=True, slots=True)
class Voice:
    """The reader's context: the words of their language, the town's zone and its name, and the time."""

    words: Words
    zone: tzinfo
    station: str
    now: datetime

    @property
    def locale(self) -> str:
        """As Babel calls it; English has 24 hours here."""
        return "en_GB" if self.words.language == "en" else self.words.language

    def why(self, reason: Reason) -> str:
        """A reason in their language, as a sentence of its own.

        One about an option of the command line (`--area is missing`) is about a field here, and names it as the form
        does.
        """
        said = sentence(reason, self.words.language, self.zone)
        option = _OPTION.match(said)
        field = _field_names(self.words.gettext).get(option[1]) if option else None
        return said if option is None or field is None else self._quoted(field) + said[option.end() :]

    def _quoted(self, field: str) -> str:
        _ = self.words.gettext
        return _("“%(field)s”", field=field)

    def number(self, number: int) -> str:
        """About so many: two figures are enough for an officer."""
        scale = 10 ** max(len(str(number)) - _TWO_FIGURES, 0)
        return format_decimal(round(number / scale) * scale, locale=self.locale)

    def time(self, at: datetime) -> str:
        """The hour, with the day unless it is today."""
        local, today = at.astimezone(self.zone), self.now.astimezone(self.zone).date()
        hour = format_time(local, "HH:mm", locale=self.locale)
        if local.date() == today:
            return hour
        return f"{format_skeleton('MMMEd', local, locale=self.locale)}, {hour}"


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


async def rehearse(service: DeskService, station: Town, actor: Actor, wish: Wish) -> WishRehearsal:
    """Rehearse it in a database of its own; nothing is stored, whatever it comes to."""
    draft = wish.reading.draft
    if draft is None:
        return WishRehearsal()

    def action(unit: DeskUnit) -> WishRehearsal:
        ready = unit.desk.renderer.prepared(draft.hazard, station.language) if draft.hazard else None
        order = other_order(wish.fields, ready, unit.now, station.zone)
        try:
            # Twins and gaps are no reason to show nothing: they are told when it is published.
            filed = file_wish(unit, actor, wish, again=True, unfinished=True)
        except (Misuse, Refused) as error:
            alert = _alert_alone(unit, wish)
            # Nothing is changed yet: who waits is told all the same, before anything is typed in vain.
            waits = _waiting(unit, wish, actor) if isinstance(error, Misuse) else ()
            silent = _silent(station, wish, alert)
            return WishRehearsal(alert, silent, refusal=error.reason, other_order=order, withdraws=waits)
        notes = _notes(unit, filed)
        posts = {made.post.channel: made for made in filed.drafts}
        alert = filed.stored.alert
        cards = tuple(
            ChannelCard(channel, posts[channel.name], card=_post_card(unit, posts[channel.name], channel, wish, alert))
            if channel.name in posts
            else ChannelCard(channel, silence=notes.get(channel.name) or _silence(channel, alert, wish))
            for channel in station.channels.values()
        )
        goes_at = next((made.post.not_before for made in filed.drafts), None)
        lacks = lacking(alert, station.name, unit.desk.says_what_to_do) if alert else []
        link = unit.desk.link_card(alert, primary(station.language), _before(wish)) if alert else None
        gone = {post.alert_id for post in filed.withdrawn if post.state is PostState.WAITING}
        withdraws = _waiting(unit, wish, actor, gone)
        return WishRehearsal(
            alert,
            cards,
            filed.stored.state,
            goes_at,
            lacks=tuple(lacks),
            other_order=order,
            link=link,
            withdraws=withdraws,
        )

    return await service.preview(action, wish.about.incident_id if wish.about else None)


def _waiting(unit: DeskUnit, wish: Wish, actor: Actor, gone: Collection[str] | None = None) -> tuple[StoredAlert, ...]:
    """Of what others wrote about the same, what waits; where it was rehearsed, what waited until then (`gone`)."""
    incident = unit.alerts.incident(wish.about.incident_id) if wish.about else ()
    waits = [each for each in incident if each.author is not None and not wrote(actor, each)]
    return tuple(each for each in waits if (each.id in gone if gone is not None else each.state is AlertState.WAITING))


def reached(names: Sequence[str], statuses: Sequence[Mapping[str, Any]]) -> int | None:
    """Return the number of these channels' followers, as far as their platforms give it. Returns None if none does."""
    followers = [status["followers"] for status in statuses if status["channel"] in names]
    known = [number for number in followers if number is not None]
    return sum(known) if known else None


def checklist(said: CheckedText, _: Callable[..., str]) -> tuple[Check, ...]:
    """The five elements, in the order of reading: each with its fault, else with its content."""
    place_and_end = _("%(place)s, until %(until)s", place=said.place[:1].upper() + said.place[1:], until=said.until)
    unsigned = _("A channel has no room to say who is speaking: shorten the text.")
    unlinked = _("No post has a link: give the address of a page that says more.")
    elements = (
        (_("Who says it"), "" if said.signed else unsigned, said.station),
        (_("What happens"), _fault_of_event(said, _), said.headline),
        (_("Where and until when"), _fault_of_place(said, place_and_end, _), place_and_end),
        (_("What to do"), _fault_of_order(said, _), said.instruction or _("Nothing to do.")),
        (_("Where to learn more"), "" if said.linked else unlinked, _("A link leads to the page of the alert.")),
    )
    return tuple(Check(name, good=not fault, words=fault or content) for name, fault, content in elements)


def button_word(rehearsal: WishRehearsal, voice: Voice, *, exercise: bool) -> str:
    """Return the label of the one button."""
    _ = voice.words.gettext
    if exercise:
        return _("Publish the EXERCISE")
    return _("Send") if rehearsal.state is AlertState.WAITING and rehearsal.goes_at is None else _("Publish")


def button_words(rehearsal: WishRehearsal, followers: int | None, voice: Voice, *, exercise: bool, update: bool) -> str:
    """Return the effect of the one button, to show above it: a telephone has no room for it on the button."""
    _, plural, number = voice.words.gettext, voice.words.ngettext, len(rehearsal.channels)
    if exercise:
        if not number:
            return _("Publish the EXERCISE")
        return plural(
            "Publish the EXERCISE on %(n)s exercise channel", "Publish the EXERCISE on %(n)s exercise channels", number
        )
    if not number:
        return _("Publish")
    where = plural("%(n)s channel", "%(n)s channels", number)
    if followers is not None:
        where = _("%(where)s, about %(followers)s followers", where=where, followers=voice.number(followers))
    if rehearsal.state is AlertState.WAITING and rehearsal.goes_at is None:
        return _("Send for validation: %(where)s", where=where)
    if rehearsal.goes_at is not None:
        span = format_timedelta(rehearsal.goes_at - voice.now, threshold=2, locale=voice.locale)
        return _("Publish in %(span)s unless somebody stops it: %(where)s", span=span, where=where)
    return _("Publish the update on %(where)s", where=where) if update else _("Publish on %(where)s", where=where)


def confirm_words(rehearsal: WishRehearsal, voice: Voice, *, exercise: bool) -> str:
    """The button of the confirmation, which says again what is confirmed: what, where, until when, on how many."""
    if rehearsal.alert is None:
        return voice.words.gettext("Publish")
    plural, number, said = voice.words.ngettext, len(rehearsal.channels), _what_where_until(rehearsal.alert, voice)
    if exercise:
        return plural(
            "Publish the EXERCISE “%(what)s” in %(where)s until %(until)s on %(n)s exercise channel",
            "Publish the EXERCISE “%(what)s” in %(where)s until %(until)s on %(n)s exercise channels",
            number,
            **said,
        )
    if rehearsal.state is AlertState.WAITING and rehearsal.goes_at is None:
        return plural(
            "Send “%(what)s” in %(where)s until %(until)s on %(n)s channel for validation",
            "Send “%(what)s” in %(where)s until %(until)s on %(n)s channels for validation",
            number,
            **said,
        )
    return plural(
        "Publish “%(what)s” in %(where)s until %(until)s on %(n)s channel",
        "Publish “%(what)s” in %(where)s until %(until)s on %(n)s channels",
        number,
        **said,
    )


def place_of(alert: Alert, voice: Voice) -> str:
    """Where, in words."""
    names = list(dict.fromkeys(area.description for area in alert.areas))
    if names in ([], [voice.station]) or any(map(is_whole_town, names)):
        return voice.words.gettext("the whole town")
    return ", ".join(names)


def _alert_alone(unit: DeskUnit, wish: Wish) -> Alert | None:
    try:
        return draft_alert(wish.reading.draft, unit.desk.station, unit.now, new_id()) if wish.reading.draft else None
    except Misuse:
        return None


def _before(wish: Wish) -> Alert | None:
    """Return the readers' present version."""
    return wish.about.alert if wish.about else None


def _post_card(unit: DeskUnit, made: DraftPost, channel: ChannelConfig, wish: Wish, alert: Alert | None) -> Card | None:
    """The card that its post carries, unless the officer put a picture there."""
    image = made.post.message.image
    if image is None or image.path or alert is None:
        return None
    return unit.desk.post_card(channel, alert, _before(wish))


def _silent(station: Town, wish: Wish, alert: Alert | None) -> tuple[ChannelCard, ...]:
    return tuple(ChannelCard(channel, silence=_silence(channel, alert, wish)) for channel in station.channels.values())


def _notes(unit: DeskUnit, filed: Filed) -> dict[str, Reason]:
    """Why the desk made no post for a channel that takes the alert, by channel."""
    history = unit.views.history(filed.stored.incident_id)
    return dict(no_post_of(event) for event in history if event.what == "no_post")


def _silence(channel: ChannelConfig, alert: Alert | None, wish: Wish) -> Reason:
    """Why routing leaves a channel out."""
    status = alert.status if alert else Status.ACTUAL
    if channel.exercise is not (status in PRACTICE):
        return because("silent_for_exercises" if channel.exercise else "silent_live")
    if not channel.public:
        return because("silent_internal")
    if wish.reading.channels and channel.name not in wish.reading.channels:
        return because("silent_unchosen")
    severity = alert.severity if alert else Severity.UNKNOWN
    if severity is not Severity.UNKNOWN and not severity.at_least(channel.severity):
        return because("silent_takes_worse", least=channel.severity)
    return because("silent_now" if wish.about is None else "silent_unchosen")


def _fault_of_event(said: CheckedText, _: Callable[..., str]) -> str:
    letters = [c for c in said.headline if c.isalpha()]
    if not said.headline:
        return _("Nothing says what happens.")
    if left := blanks(said.headline) or blanks(said.description):
        return _("Fill in %(blanks)s first.", blanks=", ".join(left))
    if loud := next(filter(None, map(shouts, (said.headline, said.description, said.instruction))), ""):
        return _("“%(words)s” alarms without informing: say it calmly; the severity is chosen below.", words=loud)
    if permits(said.description):
        return _("It tells people they are free to go: only an all clear may.")
    if len(said.headline) > _LONG_HEADLINE:
        return _("The headline is long: say it in fewer words, the rest belongs below.")
    if len(letters) > 12 and sum(c.isupper() for c in letters) > _SHOUTED * len(letters):
        return _("Capitals are hard to read, and screen readers may spell them out.")
    return ""


def _fault_of_place(said: CheckedText, place_and_end: str, _: Callable[..., str]) -> str:
    if not said.until:
        return _("It isn’t clear yet where, or until when.")
    if said.whole and said.needs_a_place:
        return _("Say where: an instruction like this must say who it is for.")
    if not said.own_end:
        return _("%(told)s: no end was given, so it will be twelve hours.", told=place_and_end)
    if said.unplaced:
        return _("%(told)s. In which district is that? Without one the map shows no outline.", told=place_and_end)
    if said.whole:
        return _("No place is given, so it is for everybody, until %(until)s. Say where.", until=said.until)
    return ""


def _fault_of_order(said: CheckedText, _: Callable[..., str]) -> str:
    if left := blanks(said.instruction):
        return _("Fill in %(blanks)s first.", blanks=", ".join(left))
    if is_filler(said.instruction):
        return _("Say what to do: “be careful” isn’t an instruction.")
    if permits(said.instruction):
        return _("It tells people they are free to go: only an all clear may.")
    if said.instruction and not orders(said.instruction):
        return _("It isn’t an instruction: begin with the verb (“Stay …”, “Don’t drive …”).")
    if said.other_order:
        return _("This instruction is the one for another case. For this one: “%(order)s”", order=said.other_order)
    is_missing = not said.instruction and said.severity is not Severity.MINOR
    return _("Nothing says what people should do.") if is_missing else ""


def _what_where_until(alert: Alert, voice: Voice) -> dict[str, str]:
    info = alert.infos[0]
    return {
        "what": info.headline or info.event,
        "where": place_of(alert, voice),
        "until": voice.time(alert.ends),
    }
