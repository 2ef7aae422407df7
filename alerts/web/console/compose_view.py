"""The compose page for its templates: the form, the preview, and the page that is read once more.

A `Page` is one visitor's form, from the request to its answer: the input, the draft's owner, the faults, and the
rehearsal's result. Three answers are made of it: the whole page (`form_page`), the preview for a script
(`beside_fragment`), and the page that confirms a grave alert (`confirmation_page`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from aiohttp import web
from markupsafe import Markup

from alerts.desk.audience import SubscriberReach
from alerts.desk.posts import DraftPost
from alerts.model.alert import Severity
from alerts.model.errors import Refused, TocsinError
from alerts.model.hazard import NEEDS_A_PLACE, Hazard, worded_hazard
from alerts.model.incident import SavedDraft, StoredAlert, Typed
from alerts.model.town import ChannelConfig, Town
from alerts.rendering.card import LinkCard
from alerts.rendering.matter import Prepared
from alerts.rendering.pictograms import pictogram
from alerts.web.console.blanks import form_blanks, left_in
from alerts.web.console.drafts import MOST, UNTOUCHED, Usual, gravity_of
from alerts.web.console.form import (
    EVERYWHERE,
    LONGEST,
    WITH_BLANKS,
    Fields,
    Reading,
    filled_text,
    lines,
    several,
    text,
    until,
)
from alerts.web.console.frame import BASE, Console, visitor_of
from alerts.web.console.looks import Audience, ChannelPreview, PreviewPicture, Shot, look_of, reach_words
from alerts.web.console.previews import card_address
from alerts.web.console.rehearsal import (
    ChannelCard,
    Check,
    CheckedText,
    Voice,
    Wish,
    WishRehearsal,
    button_word,
    button_words,
    checklist,
    confirm_words,
    place_of,
    reached,
)


class Tapped(Refused):
    """The same words went out a moment ago, from another form; `alert_id` is that alert. Nothing was stored."""

    def __init__(self, alert_id: str) -> None:
        super().__init__(f"the same words went out just now as {alert_id}")
        self.alert_id = alert_id


@dataclass
class Page:
    """A page being made. `before` is the form of the alert that it updates; `notice` a code of a message to show.

    `newer` is a version that came while it was typed: fields unchanged in the form stay as they are there. `last` are
    the values of the same hazard's alerts for the blanks of its order, newest first.
    """

    identity: str
    revision: int = 0
    fields: dict[str, Typed] = field(default_factory=dict)
    about: StoredAlert | None = None
    before: Fields = field(default_factory=dict)
    newer: StoredAlert | None = None
    note: str | None = None
    kept_at: datetime | None = None
    alert_id: str | None = None
    problems: dict[str, str] = field(default_factory=dict)
    notice: str = ""
    saved: bool = False
    chosen: bool = False
    twin: str | None = None
    refusal: TocsinError | None = None
    reading: Reading | None = None
    rehearsal: WishRehearsal = field(default_factory=WishRehearsal)
    followers: int | None = None
    statuses: Sequence[Mapping[str, Any]] = ()
    reaches: Mapping[str, SubscriberReach] = field(default_factory=dict)
    last: Sequence[Mapping[str, str]] = ()

    @property
    def exercise(self) -> bool:
        """True if it is an exercise."""
        return bool(text(self.fields, "exercise"))

    @property
    def is_grave(self) -> bool:
        """True if it is Severe or Extreme, and so read once more before it goes."""
        return is_grave(self.fields)

    @property
    def wish(self) -> Wish:
        """Return the form's wish to file."""
        return Wish(self.reading or Reading(None), self.fields, self.about, self.before)

    def take(self, kept: SavedDraft) -> None:
        """Go on from what is kept."""
        self.identity, self.revision = kept.id, kept.revision
        self.note, self.kept_at, self.alert_id = kept.note, kept.updated_at, kept.alert_id

    def refuse(self, error: TocsinError) -> None:
        """Show why it was not filed."""
        if isinstance(error, Tapped):
            self.twin = error.alert_id
        else:
            self.refusal = error


@dataclass(frozen=True, slots=True)
class Beside:
    """The preview of the form: its button's label, and the effect (`does`). `grave` requires the second page."""

    looks: tuple[ChannelPreview, ...]
    checks: tuple[Check, ...]
    button: str
    does: str
    refusal: str
    grave: bool
    place: str
    until: str


def voice_of(console: Console, request: web.Request) -> Voice:
    """Return the reader's language and context."""
    station = console.frame.station
    return Voice(console.frame.words(request), station.zone, station.name, console.service.now())


@dataclass(frozen=True, slots=True)
class Offered:
    """The starting points: one's drafts, the prepared texts, and the town's usual alerts."""

    drafts: Sequence[SavedDraft]
    prepared: Mapping[Hazard, Prepared]
    usual: Usual


def form_page(console: Console, request: web.Request, page: Page, offered: Offered) -> web.Response:
    """Return the form with its preview; only the hazards if none was chosen yet."""
    prepared, usual = offered.prepared, offered.usual
    voice, problems, station = voice_of(console, request), dict(page.problems), console.frame.station
    if page.refusal is not None:
        problems[""] = voice.why(page.refusal.reason)
    return console.frame.page(
        request,
        "compose.html",
        # A form that was only kept is shown as it stands: what is missing from a draft is no error yet.
        status=422 if problems and request.method == "POST" and not page.saved else 200,
        sheet=page,
        problems=problems,
        wrong=_Wrong(problems),
        f=_Values(page),
        blanks=form_blanks(page.fields, station, page.last),
        unfilled=bool(problems) and request.method == "POST" and not page.saved,
        beside=_beside(page, voice, console),
        address=_address(page),
        account=visitor_of(request).account.name,
        hazards=tiles_of(prepared, station.offered, voice),
        favourites=tiles_of(prepared, [each for each in usual.hazards if each in station.offered], voice),
        last=[(each, _hazard_of_last(each)) for each in usual.last],
        districts=station.districts,
        everywhere=EVERYWHERE,
        channels=[each for each in station.channels.values() if each.public and each.exercise is page.exercise],
        tiles=console.frame.station.web.background,
        longest=LONGEST,
        drafts=[
            (each, _draft_title(each.fields, prepared, voice)) for each in offered.drafts if each.id != page.identity
        ],
        most_drafts=MOST,
        draft_days=UNTOUCHED.days,
    )


def beside_fragment(console: Console, request: web.Request, page: Page) -> Mapping[str, Any]:
    """Return the preview for a script."""
    voice = voice_of(console, request)
    shown = _beside(page, voice, console)
    html = console.frame.text(request, "compose_beside.html", sheet=page, beside=shown)
    until = voice.words.gettext("Until %(until)s", until=shown.until) if shown.until else ""
    return {
        "html": html,
        "withdraws": console.frame.text(request, "compose_withdraws.html", sheet=page),
        "button": shown.button,
        "does": shown.does,
        "problems": page.problems,
        "until": until,
        "grave": shown.grave,
    }


def blanks_fragments(console: Console, request: web.Request, page: Page) -> Mapping[str, str]:
    """The fields of the blanks below each text, for a script."""
    fields = form_blanks(page.fields, console.frame.station, page.last)
    return {
        within: console.frame.text(
            request, "compose_blanks.html", blanks=[each for each in fields if each.within == within], unfilled=False
        )
        for within in WITH_BLANKS
    }


def lacks_of(page: Page, voice: Voice) -> dict[str, str]:
    """Return the missing parts by their fields; a missing value of a blank by its own."""
    left = left_in(page.fields)
    return {
        f"blank-{left}" if left and lack.reason.code == "blanks_left" else lack.field: voice.why(lack.reason)
        for lack in page.rehearsal.lacks
    }


def confirmation_page(console: Console, request: web.Request, page: Page, hidden: Mapping[str, str]) -> web.Response:
    """The page that is read before something grave goes out."""
    voice = voice_of(console, request)
    return console.frame.page(
        request,
        "compose_confirm.html",
        sheet=page,
        beside=_beside(page, voice, console),
        followers=voice.number(page.followers) if page.followers is not None else None,
        channels=page.rehearsal.channels,
        button=confirm_words(page.rehearsal, voice, exercise=page.exercise),
        alert=page.rehearsal.alert,
        hidden=hidden,
        address=_address(page),
    )


def is_grave(fields: Fields) -> bool:
    """True if it is Severe or Extreme, and so read once more before it goes."""
    return gravity_of(fields).at_least(Severity.SEVERE)


def _beside(page: Page, voice: Voice, console: Console) -> Beside:
    rehearsal, alert, station = page.rehearsal, page.rehearsal.alert, console.frame.station
    place = place_of(alert, voice) if alert else ""
    ends = voice.time(alert.ends) if alert else ""
    return Beside(
        looks=tuple(_look(card, page, voice, console) for card in rehearsal.cards),
        checks=checklist(_said(page, (place, ends), station, voice.now), voice.words.gettext),
        button=voice.words.gettext("Choose the towns")
        if station.is_fleet
        else button_word(rehearsal, voice, exercise=page.exercise),
        does=""
        if station.is_fleet
        else button_words(rehearsal, page.followers, voice, exercise=page.exercise, update=page.about is not None),
        refusal=voice.why(rehearsal.refusal) if rehearsal.refusal else "",
        grave=page.is_grave,
        place=place,
        until=ends,
    )


def _look(card: ChannelCard, page: Page, voice: Voice, console: Console) -> ChannelPreview:
    channel, draft = card.channel, card.draft
    if draft is None:
        return ChannelPreview(channel.name, channel.kind, silence=card.silence)
    audience = audience_of(channel, page.statuses, page.reaches, voice)
    look = look_of_draft(console, draft, _picture(card, page, console), page.rehearsal.link, audience)
    return replace(look, cut=tuple(_part_words(name, voice.words.gettext) for name in draft.rendered.cut))


def look_of_draft(
    console: Console, made: DraftPost, picture: PreviewPicture | None, link: LinkCard | None, audience: Audience
) -> ChannelPreview:
    """Return the preview of a rehearsed post."""
    station, rendered = console.frame.station, made.rendered
    messages = made.bulk.messages if made.bulk else {}
    drawn = card_address(console, link.card) if link else ""
    shot = Shot(station, station.channels[made.post.channel], made.post, messages, picture, link, drawn)
    return look_of(shot, (rendered.count, rendered.limit), audience)


def _picture(card: ChannelCard, page: Page, console: Console) -> PreviewPicture | None:
    """The officer's picture, or the card that the channel carries."""
    image = card.draft.post.message.image if card.draft else None
    if image is None:
        return None
    if card.card is not None:
        return PreviewPicture(card_address(console, card.card), image.alt)
    return PreviewPicture(f"{BASE}/compose/pictures/{text(page.fields, 'picture')}", image.alt)


def audience_of(
    channel: ChannelConfig, statuses: Sequence[Mapping[str, Any]], reaches: Mapping[str, SubscriberReach], voice: Voice
) -> Audience:
    """Return the channel's audience, in the reader's number format."""
    followers = reached([channel.name], statuses)
    reach = reaches.get(channel.name)
    return Audience(
        voice.number(followers) if followers is not None else "",
        reach_words(reach, voice.locale) if reach else None,
        followers,
    )


def _part_words(name: str, _: Callable[..., str]) -> str:
    """The name of a part of a text."""
    known = {
        "headline": _("the headline"),
        "description": _("the description"),
        "instruction": _("the instruction"),
        "advice": _("the advice"),
        "area": _("the place"),
        "time": _("the time"),
        "sender": _("the sender"),
        "contact": _("the contact"),
        "severity": _("the severity"),
        "change": _("what changes"),
        "language": _("the language"),
        "link": _("the link"),
    }
    return known.get(name, name)


def _said(page: Page, where: tuple[str, str], station: Town, now: datetime) -> CheckedText:
    fields, made, (place, ends) = page.fields, page.rehearsal.drafts, where
    return CheckedText(
        station=station.name,
        headline=filled_text(fields, "headline"),
        place=place,
        whole=not any(
            (several(fields, "area"), text(fields, "place"), text(fields, "polygon"), text(fields, "circle"))
        ),
        unplaced=bool(text(fields, "place") and station.districts)
        and not any((several(fields, "area"), text(fields, "polygon"), text(fields, "circle"))),
        until=ends,
        own_end=until(fields, now, station) is not None,
        instruction=filled_text(fields, "instruction"),
        severity=gravity_of(fields),
        signed=True,
        description=filled_text(fields, "description"),
        other_order=page.rehearsal.other_order,
        needs_a_place=text(fields, "hazard") in NEEDS_A_PLACE,
        linked=not made or bool(text(fields, "exercise")) or any(each.post.message.link for each in made),
    )


@dataclass(frozen=True, slots=True)
class Tile:
    """A hazard to press: the station's own name for it, its usual severity, and its pictogram."""

    value: str
    words: str
    severity: str
    drawn: Markup


def tiles_of(prepared: Mapping[Hazard, Prepared], offered: Sequence[Hazard], voice: Voice) -> list[Tile]:
    """The hazards of these, in their order."""
    general = voice.words.gettext("Something else")
    return [
        Tile(
            hazard.value,
            general if hazard is Hazard.GENERAL else one.event or one.name,
            one.severity.value,
            drawn(hazard),
        )
        for hazard, one in ((hazard, prepared[hazard]) for hazard in offered)
    ]


def drawn(hazard: Hazard) -> Markup:
    """Return the hazard's pictogram. Its name accompanies it in words, so it is hidden from screen readers."""
    # Ours alone: nothing of it was typed by anybody.
    lines = Markup(pictogram(hazard).svg)  # noqa: S704
    return Markup('<svg class="pictogram" aria-hidden="true" focusable="false" viewBox="0 0 24 24">{}</svg>').format(
        lines
    )


def _hazard_of_last(stored: StoredAlert) -> Markup:
    return drawn(worded_hazard(stored.alert.infos[0]) if stored.alert and stored.alert.infos else Hazard.GENERAL)


def _draft_title(fields: Fields, prepared: Mapping[Hazard, Prepared], voice: Voice) -> str:
    """Return a draft's title in a list."""
    hazard = text(fields, "hazard")
    name = prepared[Hazard(hazard)].event if hazard in set(Hazard) and hazard != Hazard.GENERAL else ""
    return filled_text(fields, "headline") or name or voice.words.gettext("Without a headline")


def ends_at(rehearsal: WishRehearsal) -> datetime | None:
    """When the alert is over."""
    return rehearsal.alert.infos[0].expires if rehearsal.alert and rehearsal.alert.infos else None


class _Wrong(dict[str, str]):
    """The fault of each field, in a template; None for the others."""

    # Templates run with StrictUndefined, to which a field without a problem would else be an error.
    def __missing__(self, name: str) -> None:
        return None


class _Values:
    """The fields as a template asks for them."""

    def __init__(self, page: Page) -> None:
        self._fields = page.fields

    def __call__(self, name: str) -> str:
        value = self._fields.get(name, "")
        return value if isinstance(value, str) else ""

    def all(self, name: str) -> tuple[str, ...]:
        """Return the ticked values."""
        return several(self._fields, name)

    def lines(self, name: str) -> tuple[str, ...]:
        """The lines of a field."""
        return lines(self._fields, name)

    def any(self, *names: str) -> bool:
        """True if one of these fields has a value."""
        return any(text(self._fields, name) or several(self._fields, name) not in ((), ("",)) for name in names)


def _address(page: Page) -> str:
    """The form's own address; an exercise's differs from the real one's."""
    return f"{BASE}/compose?exercise=1" if page.exercise else f"{BASE}/compose"
