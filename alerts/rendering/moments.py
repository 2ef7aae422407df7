"""Dates and times as a town writes them: in the language of the text and the town's zone, with Babel's names.

French is written the French way ("mercredi 25 novembre à 18 h 30", with no-break spaces U+00A0: the narrow one that
typographers prefer weighs 2 on X), English as people say it ("Wednesday 25 November, 6:30pm"), any other language with
Babel's short time. Noon and midnight are called so. Midnight belongs to the day that ends: an alert until 00:00 on the
26th is over on the 25th at midnight, so that nobody reads a day too many. In a long text, near days are relative ("ce
soir", "demain", "cette nuit") and followed by their date, since a post is read later than it was written; in a short
one, the day appears alone ("vendredi 27, 6 h"). The phrases that join all of this are `moments` in the language's
`words.j2`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_time

from alerts.model.alert import Info

EVENT_END = "eventEndingTime"
"""The parameter with the end of the event in NWS alerts; `expires` is the message's and often earlier."""

# A start within this time is as good as now.
_BEGINS_LATER = timedelta(minutes=10)
# Beyond this a date needs its year.
_FAR = timedelta(days=180)
_SOON = timedelta(days=20)
"""Within which the day of the month is enough: no other month has that weekday on that day so near."""
_MIDNIGHT = time(0)
_NOON = time(12)
# From this hour until noon of the next day is one night.
_EVENING = time(18)
_MORNING = time(12)
_DAWN = time(6)
# French says "1er", and cardinals for all other days.
_FIRST = re.compile(r"\b1(?=\s|$)")
# Feeds that can't write 24:00 write 23:59 (Serbia's in MeteoAlarm does), and mean the end of the day.
_LAST_MINUTE = time(23, 59)


@dataclass(frozen=True, slots=True)
class DateFormatter:
    """Formats moments: `language` a BCP 47 tag, `now` aware.

    `long` names months in full and uses today and tomorrow.
    """

    language: str
    zone: ZoneInfo
    now: datetime
    phrases: Mapping[str, str]
    long: bool = True
    frame: str = "{until}"
    """The phrase around the end: "at least {until}" if it frees nobody, "" if the end is omitted."""

    def day(self, moment: datetime) -> str:
        """Format the day: "mercredi 25 nov.", "Wed 25 Nov"; with the year when it is more than half a year away."""
        return self._day(moment.astimezone(self.zone).date())

    def time(self, moment: datetime) -> str:
        """Format the time of day: "18 h 30", "6:30pm", "midi"."""
        return self._clock(moment.astimezone(self.zone))

    def moment(self, moment: datetime) -> str:
        """Format day and time: "mercredi 25 novembre à 18 h", "Wednesday 25 November, 6pm".

        The short form is "mercredi 25, 18 h".
        """
        local = moment.astimezone(self.zone)
        return self._at(self._day(local.date()), self._clock(local))

    def sent(self, moment: datetime) -> str:
        """Format the time of a message: its hour alone if it was today, else with its day."""
        local = moment.astimezone(self.zone)
        return self._clock(local) if local.date() == self.now.astimezone(self.zone).date() else self.moment(moment)

    def end(self, moment: datetime) -> str:
        """Format day and time of an end: midnight is that of the day that ends."""
        last, closing = self._closing(moment.astimezone(self.zone))
        return self._briefly(self._day(last), closing)

    def window(self, start: datetime | None, end: datetime | None, *, whole: bool = False) -> str:
        """Format from when until when; the start only when it is still to come, or with `whole`.

        An unknown end is omitted, and so is one before the start: such an `expires` is the message's.
        """
        # Such an end is the message's and not the event's, of which nothing is known then.
        if start and end and end <= start:
            end = None
        later = start if start and (whole or start > self.now + _BEGINS_LATER) else None
        if later and end:
            return self._range(later.astimezone(self.zone), end.astimezone(self.zone))
        if end:
            return self.frame.format(until=self._until(end.astimezone(self.zone)))
        if later and later > self.now:
            return self._single("from", later.astimezone(self.zone), "start")
        return self._say("since", start=self.moment(start)) if start else self.phrases["open"]

    def _range(self, start: datetime, end: datetime) -> str:
        last, closing = self._closing(end)
        # Whole days are told without hours: "from midnight to midnight" would be read twice.
        if start.time() == _MIDNIGHT and closing == self.phrases["midnight"]:
            if start.date() == last:
                return self._say("all day", day=self._near(last))
            return self._say("range", start=self._day(start.date()), end=self._day(last))
        if start.date() == last:
            day = self._near(last, evening=start.time() >= _EVENING)
            return self._say("same day", day=day, start=self._clock(start), end=closing)
        # What lasts from an evening to the next morning is one night to everybody, whatever the date.
        if last - start.date() == timedelta(days=1) and start.time() >= _EVENING and end.time() <= _MORNING:
            return self._night(start, last, closing)
        opening = self._at(self._day(start.date()), self._clock(start))
        return self._say("range", start=opening, end=self._at(self._day(last), closing))

    def _night(self, start: datetime, last: date, closing: str) -> str:
        """Format one night: "cette nuit, de 22 h à 2 h (jeudi 26 à vendredi 27)"."""
        local = self.now.astimezone(self.zone)
        tonight = self.long and start.date() == local.date()
        first, end = self._day(start.date(), plain=True), self._day(last, plain=not self.long or tonight)
        phrase = "night" if tonight else "a night"
        return self._say(phrase, first=first, last=end, start=self._clock(start), end=closing)

    def _until(self, end: datetime) -> str:
        last, closing = self._closing(end)
        if not self.long:
            return self._say("until brief", end=self._briefly(self._day(last), closing))
        evening = end.time() > _EVENING or closing == self.phrases["midnight"]
        # To whoever is up at one in the morning, four o'clock is still tonight.
        if self._distance(last) == " today" and end.time() <= _DAWN and not evening:
            return self._say("until night", day=self._day(last), time=closing)
        day = self._near(last, evening=evening)
        return self._say(f"until{self._distance(last)}", end=self._at(day, closing), day=day, time=closing)

    def _single(self, phrase: str, moment: datetime, field: str) -> str:
        day = moment.date()
        said = self._at(self._near(day), self._clock(moment))
        return self._say(f"{phrase}{self._distance(day)}", **{field: said})

    def _closing(self, end: datetime) -> tuple[date, str]:
        """Return the day an end belongs to and its time: midnight is the end of a day, never its beginning."""
        if time(end.hour, end.minute) == _LAST_MINUTE:
            return end.date(), self.phrases["midnight"]
        if end.time() == _MIDNIGHT:
            return end.date() - timedelta(days=1), self.phrases["midnight"]
        return end.date(), self._clock(end)

    def _clock(self, local: datetime) -> str:
        clock = time(local.hour, local.minute)
        if clock in (_MIDNIGHT, _NOON):
            return self.phrases["noon" if clock == _NOON else "midnight"]
        said = clock_time(clock, self.language)
        if local.replace(fold=1 - local.fold).utcoffset() == local.utcoffset():
            return said
        # In the night when the clocks go back, this hour comes twice.
        return self._say("summer" if local.dst() else "winter", time=said)

    def _at(self, day: str, clock: str) -> str:
        return self._say("at", day=day, time=clock)

    def _briefly(self, day: str, clock: str) -> str:
        return self._say("at" if self.long else "brief", day=day, time=clock)

    def _near(self, day: date, *, evening: bool = False) -> str:
        distance = self._distance(day).strip()
        if distance == "today" and evening:
            distance = "tonight"
        return self._say(distance, day=self._day(day)) if distance else self._day(day)

    def _distance(self, day: date) -> str:
        if not self.long:
            return ""
        ahead = (day - self.now.astimezone(self.zone).date()).days
        return {0: " today", 1: " tomorrow"}.get(ahead, "")

    def _day(self, day: date, *, plain: bool = False) -> str:
        """Format a day: without its month if it is near in a short text, or if another day names it (`plain`)."""
        ahead = day - self.now.astimezone(self.zone).date()
        far = abs(ahead) > _FAR
        if (plain or not self.long) and abs(ahead) <= _SOON:
            return _plain_day(day, self.language)
        return _day(day, self.language, self.long, far)

    def _say(self, phrase: str, **words: str) -> str:
        return self.phrases[phrase].format_map(words)


def event_end(info: Info) -> datetime | None:
    """Return the end of the event: the later of `expires` and the event's own end if the feed gives one."""
    try:
        own = datetime.fromisoformat((info.parameter(EVENT_END) or "").strip())
    except ValueError:
        return info.expires
    # A time without a zone could be hours off: the message's own end is the safer of the two.
    if own.tzinfo is None:
        return info.expires
    return max(own, info.expires) if info.expires else own


@lru_cache(maxsize=64)
def locale_of(language: str) -> Locale:
    """Return Babel's locale for a BCP 47 tag, the nearest it knows, else English."""
    for tag in (language, language.split("-", 1)[0]):
        try:
            return Locale.parse(tag, sep="-")
        except (UnknownLocaleError, ValueError):
            continue
    return Locale("en")


def with_ordinal(words: str, day: date, language: str) -> str:
    """Return Babel's words for a day or a moment of it: French says the first of a month as an ordinal, no other day.

    `words` name the day of the month before any other number, as `d MMMM` and `EEEE d` do.
    """
    if day.day != 1 or locale_of(language).language != "fr":
        return words
    return _FIRST.sub("1er", words, count=1)


@lru_cache(maxsize=1024)
def _plain_day(day: date, language: str) -> str:
    return with_ordinal(format_date(day, "EEEE d", locale=locale_of(language)), day, language)


@lru_cache(maxsize=1024)
def _day(day: date, language: str, long: bool, year: bool) -> str:
    locale = locale_of(language)
    month = "MMMM" if long else "MMM"
    weekday = "EEEE" if long or locale.language == "fr" else "EEE"
    american = locale.language == "en" and locale.territory == "US"
    pattern = f"{weekday}, {month} d" if american else f"{weekday} d {month}"
    words = format_date(day, f"{pattern}{',' if american else ''} y" if year else pattern, locale=locale)
    return with_ordinal(words, day, language)


@lru_cache(maxsize=2048)
def clock_time(clock: time, language: str) -> str:
    """Format a time of day as people read it: "18 h 30", "6:30pm"."""
    locale = locale_of(language)
    if locale.language == "fr":
        # No-break spaces: an hour that is parted from its "h" at the end of a line is misread.
        minutes = f"\u00a0{clock.minute:02}" if clock.minute else ""
        return f"{clock.hour}\u00a0h{minutes}"
    if locale.language == "en":
        if clock == _NOON:  # "12pm" is read as midnight by some
            return "noon"
        if clock.hour == 0:  # "12:15am" is read as noon by as many as not
            return f"00:{clock.minute:02}"
        half = "am" if clock.hour < _NOON.hour else "pm"
        minutes = f":{clock.minute:02}" if clock.minute else ""
        return f"{(clock.hour - 1) % 12 + 1}{minutes}{half}"
    return format_time(clock, "short", locale=locale)


def clock_at(at: datetime, zone: tzinfo, language: str) -> str:
    """Format a moment's time of day in `zone`, as `clock_time`."""
    local = at.astimezone(zone)
    return clock_time(time(local.hour, local.minute), language)


def hours_between(hours: str, language: str) -> tuple[str, str]:
    """Format both ends of hours such as "08:00-19:00", as `clock_time`."""
    begins, ends = (clock_time(time.fromisoformat(each), language) for each in hours.split("-"))
    return begins, ends
