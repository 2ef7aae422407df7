"""What the page says of an alert: its button, its end, in the reader's words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, tzinfo

from babel.dates import format_skeleton, format_time, format_timedelta
from babel.numbers import format_decimal

from alerts.model.alert import Alert
from alerts.model.incident import AlertState
from alerts.model.reason import Reason
from alerts.rendering.i18n import sentence
from alerts.rendering.plain import is_whole_town
from alerts.web.console.compose.rehearsal import Rehearsal
from alerts.web.console.words import Words

_TWO_FIGURES = 2


@dataclass(frozen=True, slots=True)
class Voice:
    """Who is spoken to: the words of their language, the station's zone and its name, and the time it is."""

    words: Words
    zone: tzinfo
    station: str
    now: datetime

    @property
    def locale(self) -> str:
        """As Babel calls it; English has 24 hours here."""
        return "en_GB" if self.words.language == "en" else self.words.language

    def why(self, reason: Reason) -> str:
        """A reason in their language, as a sentence of its own."""
        return sentence(reason, self.words.language, self.zone)

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


def place_of(alert: Alert, voice: Voice) -> str:
    """Where, in words."""
    names = list(dict.fromkeys(area.description for area in alert.areas))
    if names in ([], [voice.station]) or any(map(is_whole_town, names)):
        return voice.words.gettext("the whole town")
    return ", ".join(names)


def button_words(rehearsal: Rehearsal, followers: int | None, voice: Voice, *, exercise: bool, update: bool) -> str:
    """What the one button will do."""
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


def confirm_words(rehearsal: Rehearsal, voice: Voice, *, exercise: bool) -> str:
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


def _what_where_until(alert: Alert, voice: Voice) -> dict[str, str]:
    info = alert.infos[0]
    return {
        "what": info.headline or info.event,
        "where": place_of(alert, voice),
        "until": voice.time(alert.ends),
    }
