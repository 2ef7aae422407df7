"""The words of the works calendar: an announcement, the start, the planned end, a change, and a repetition.

These are different sentences, and none of them exceeds the calendar's knowledge: a planned end that has come doesn't
mean that water or traffic is back. The calendar's own alerts have the needed facts as parameters (`tocsin:step`,
`tocsin:series`, `tocsin:change`); an officer's or another feed's works have none, and are worded as every alert is. The
sentences are `calendar` in the language's `words.j2`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from babel.dates import format_date

from alerts.model.alert import ALL_DAY_PARAMETER, CHANGE_PARAMETER, SERIES_PARAMETER, STEP_PARAMETER, Info
from alerts.model.hazard import Hazard, fold
from alerts.model.post import EndReason, PostKind
from alerts.rendering.followup import what_is_closed
from alerts.rendering.library import capital
from alerts.rendering.matter import Context, Matter
from alerts.rendering.moments import DateFormatter, event_end, locale_of, with_ordinal
from alerts.rendering.text import clean_line

_WEEK = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
# Moved dates that are listed; the calendar has the others.
_MOST_DAYS = 6
# The start is named only if it is further away than this.
_SOON = timedelta(days=7)
_FAR = timedelta(days=180)
_DAY = timedelta(days=1)


def planned(matter: Matter, said: Mapping[str, Any], dates: DateFormatter, context: Context) -> dict[str, Any]:
    """Return what a message of the works calendar says otherwise than any other alert; nothing for others."""
    own = matter.alert.infos[0] if matter.alert.infos else matter.info
    step = own.parameter(STEP_PARAMETER)
    if step is None or context.reason is EndReason.CORRECTED:
        return {}
    phrases: Mapping[str, str] = matter.general["calendar"]
    try:
        return {"step": step, **_Notice(matter, own, step, dates, phrases, said, context).words()}
    except (AttributeError, ArithmeticError, LookupError, TypeError, ValueError):
        return {}  # the parameters of another than our own calendar


@dataclass(frozen=True, slots=True)
class _Notice:
    """One message of the calendar: `own` is what it says itself, which of a cancellation isn't what it is about."""

    matter: Matter
    own: Info
    step: str
    dates: DateFormatter
    phrases: Mapping[str, str]
    said: Mapping[str, Any]
    context: Context

    def words(self) -> dict[str, Any]:
        """Return the variables that differ."""
        if self.matter.kind is PostKind.END:
            return self._end()
        said = {"when": self._when(), "lead": self._lead(), **self._instruction(), "change": "", "change_short": ""}
        said |= self._place()
        changes = json.loads(self.own.parameter(CHANGE_PARAMETER) or "[]")
        # A series that begins is announced as what repeats: "starting now" would be true of one date alone.
        if self.step == "start" and not self._series:
            said |= self._headed("begins") | {"when": self._planned_end()}
        elif changes:
            said |= self._changed(changes)
        elif self._series:
            said |= self._headed("goes on") if self.step == "again" else {}
            paragraphs = [*self._exceptions(self._series["moved"]), self.said["description"] or ""]
            said["description"] = "\n\n".join(filter(None, (" ".join(paragraphs[:-1]), paragraphs[-1])))
        return said

    def _exceptions(self, moved: Sequence[Sequence[str]]) -> list[str]:
        """The dates of a series that are known from the first to take place at another time, a sentence each."""
        sentences: list[str] = []
        for day, start, end in moved[:_MOST_DAYS]:
            when = self.dates.window(datetime.fromisoformat(start), datetime.fromisoformat(end), whole=True)
            sentences.append(self._say("otherwise", when=when, was=self._date(date.fromisoformat(day), weekday=True)))
        return sentences

    @property
    def _series(self) -> Mapping[str, Any] | None:
        said: Mapping[str, Any] | None = json.loads(self.matter.info.parameter(SERIES_PARAMETER) or "null")
        return said

    def _say(self, phrase: str, **words: object) -> str:
        return self.phrases[phrase].format_map(words)

    def _headed(self, phrase: str, **words: str) -> dict[str, str]:
        """The lead, with the title; the short one with the hazard's name, where it has one that says what it is."""
        is_named = self.matter.hazard is not Hazard.GENERAL
        short = self._say(phrase, title=self.matter.words["name"], **words) if is_named else ""
        return {"lead": self._say(phrase, title=self.said["title"], **words), "lead_short": short}

    def _reopened(self, phrase: str, **words: str) -> dict[str, str]:
        """The lead where what is called off is a closure: "cancelled – road closed" leaves open which of the two."""
        what = what_is_closed(self.said["title"]) if self.matter.hazard is Hazard.WORKS else ""
        return {"lead": self._say(phrase, title=what, **words)} if what else {}

    def _lead(self) -> str:
        """Return the lead; for an event without a hazard only the title: a market is no information of some gravity."""
        return capital(self.said["title"]) if self.matter.hazard is Hazard.GENERAL else str(self.said["lead"])

    def _when(self) -> str:
        info, series = self.matter.info, self._series
        if series:
            return self._rhythm(series, _onset(info, self.dates).date(), all_day=_all_day(info))
        return self.dates.window(info.onset, event_end(info), whole=True)

    def _place(self) -> dict[str, Any]:
        """No place where the entry names none: nobody said that it is the whole town."""
        named = any(fold(area.description) != fold(self.said["sender"]) for area in self.matter.info.areas)
        return {} if named else {"areas": [], "area": "", "area_short": "", "place": ""}

    def _planned_end(self) -> str:
        """When it is to end: "fin prévue à 17 h", and on which day where that isn't today."""
        end = event_end(self.matter.info)
        if end is None:
            return self._when()
        local, today = end.astimezone(self.dates.zone), self.context.now.astimezone(self.dates.zone).date()
        if _all_day(self.matter.info):
            # An all-day entry ends at the midnight after its last day (RFC 5545, 3.6.1).
            last = local - timedelta(seconds=1)
            name = "planned end that day" if last.date() == today else "planned end of a day"
            return self._say(name, day=self.dates.day(last))
        name = "planned end" if local.date() == today else "planned end later"
        return self._say(name, day=self.dates.day(local), time=self.dates.time(local))

    def _instruction(self) -> dict[str, Any]:
        """Return the instruction: for a cut by its state (planned or current); none without a hazard."""
        hazard = self.matter.hazard
        if hazard is Hazard.GENERAL:
            return {"instruction": "", "prepared": "", "advice": []}
        cut = Hazard.WATER_CUT if hazard.startswith(Hazard.WATER_CUT) else hazard
        if cut not in (Hazard.WATER_CUT, Hazard.POWER):
            return {}
        onset = _onset(self.matter.info, self.dates)
        which = " series" if self._series else " now" if onset <= self.context.now else ""
        text = self._say(f"do {cut}{which}", time=self.dates.time(onset))
        return {"instruction": text, "prepared": text}

    def _changed(self, changes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Return the changes, old and new: the gravest one is the lead, the others precede the description."""
        by_name = {change["what"]: change for change in changes}
        said: dict[str, Any] = self._headed("changed")
        other = [
            self._say(f"new {what}", was=clean_line(by_name[what]["was"]))
            for what in ("title", "place")
            if by_name.get(what, {}).get("was")
        ]
        if "off" in by_name or "on" in by_name:
            name = "off" if "off" in by_name else "on"
            days = [date.fromisoformat(day) for day in by_name[name]["days"]]
            which = self._dates(days, long=True)
            said |= self._headed(f"day {name}", days=which)
            said |= self._reopened("day off closure", days=which) if name == "off" else {}
            other.append(self._say("other dates"))
        if "date" in by_name:
            other.append(self._say("other dates"))
        # The later of these overwrites the lead of the earlier: the time that people turn up at weighs most.
        if "last" in by_name:
            said |= self._last(by_name["last"])
        if "date" in by_name:
            said |= self._moved_date(by_name["date"]["moved"])
        if "time" in by_name or "rhythm" in by_name:
            said |= self._moved(by_name.get("time") or by_name["rhythm"])
        paragraphs = [" ".join(dict.fromkeys(other)), self.said["description"] or ""]
        return said | {"description": "\n\n".join(filter(None, paragraphs))}

    def _moved(self, change: Mapping[str, Any]) -> dict[str, Any]:
        """Another time: when it is now, and when it was to be."""
        was, info = change["was"], self.matter.info
        if isinstance(was, Mapping):
            moved = self._rhythm(was, date.fromisoformat(was["first"]), all_day=was["all_day"])
            return {**self._headed("changed"), "when": self._say("was", now=self._when(), was=moved)}
        start, end = (datetime.fromisoformat(each) for each in was)
        moved = self._say("was", now=self._when(), was=self.dates.window(start, end, whole=True))
        now_start, now_end = info.onset or start, event_end(info) or end
        if self._series:
            return {**self._headed("changed"), "when": moved}
        if now_start != start:
            return {**self._headed("put off" if now_start > start else "brought forward"), "when": moved}
        moved = self._say("was", now=self._when(), was=self._end_of_day(end, now_end))
        return {**self._headed("longer" if now_end > end else "shorter"), "when": moved}

    def _end_of_day(self, end: datetime, other: datetime) -> str:
        """When it was to end: its hour alone where that is all that differs."""
        one, two = (each.astimezone(self.dates.zone).date() for each in (end, other))
        return self.dates.time(end) if one == two and not _all_day(self.matter.info) else self.dates.moment(end)

    def _last(self, change: Mapping[str, Any]) -> dict[str, Any]:
        """Return the facts of a series whose last date has moved later or earlier."""
        was, now = (date.fromisoformat(change[key]) if change[key] else None for key in ("was", "now"))
        longer = now is None or (was is not None and now > was)
        until = self._say("until", last=self._date(was)) if was else self.phrases["open end"]
        when = self._when() if now else f"{self._when()}, {self.phrases['open end']}"
        return {**self._headed("longer" if longer else "shorter"), "when": self._say("was", now=when, was=until)}

    def _moved_date(self, moved: Sequence[Sequence[str]]) -> dict[str, Any]:
        """Single dates of a series that take place at another time."""
        said: list[str] = []
        later = True
        for day, start, end in moved[:_MOST_DAYS]:
            by_rule, begins, ends = date.fromisoformat(day), datetime.fromisoformat(start), datetime.fromisoformat(end)
            was = self._dates([by_rule], long=True)
            said.append(self._say("was", now=self.dates.window(begins, ends, whole=True), was=was))
            later = begins.astimezone(self.dates.zone).date() >= by_rule
        return {**self._headed("put off" if later else "brought forward"), "when": " ; ".join(said)}

    def _end(self) -> dict[str, Any]:
        """An end: the planned one, an earlier one, or that it is called off. Never that anything is back."""
        info = self.matter.info
        if self.step == "withdrawn":
            nowhere = {"areas": [], "area": "", "area_short": "", "place": "", "description": ""}
            return self._ending("withdrawn", self.phrases["not on any more"]) | nowhere
        if self.context.reason is EndReason.CANCELLED:
            # Of what had begun "is not taking place" would be false.
            begun = info.onset is not None and info.onset <= self.context.now and not self._series
            over = self.phrases["not on any more"] if begun else self._say("not on", when=self._when())
            return self._ending("called off", over) | self._reopened("called off closure")
        is_cut = self.matter.hazard.startswith(Hazard.WATER_CUT)
        name = f"over {Hazard.WATER_CUT if is_cut else self.matter.hazard}"
        over = self.phrases.get(name, self.phrases["over"])
        end = self._announced_end()
        # An all-day entry ends at the midnight after its last day (RFC 5545, 3.6.1).
        last = end - timedelta(seconds=1) if _all_day(info) else end
        is_today = last.date() == self.context.now.astimezone(self.dates.zone).date()
        changes = json.loads(self.own.parameter(CHANGE_PARAMETER) or "[]")
        was = next((change["was"] for change in changes if change["what"] == "time"), None)
        if was is not None:
            before = self._say("was", now=self._clock(end), was=self._clock(datetime.fromisoformat(was[1])))
            return self._ending("ends sooner", over) | {"when": before}
        if _all_day(info) and is_today:
            # The evening isn't over yet: that its time has passed would be said too early.
            return self._ending("ends that day", self.phrases.get(name.replace("over", "that day"), ""))
        return self._ending("ends" if is_today else "ended", over, time=self.dates.time(end))

    def _announced_end(self) -> datetime:
        """When it was to end, which is no later than now."""
        end = event_end(self.own) or event_end(self.matter.info) or self.context.now
        return min(end, self.context.now).astimezone(self.dates.zone)

    def _clock(self, moment: datetime) -> str:
        local = moment.astimezone(self.dates.zone)
        if local.date() == self.context.now.astimezone(self.dates.zone).date():
            return self._say("planned end", time=self.dates.time(local))
        return self._say("planned end later", day=self.dates.day(local), time=self.dates.time(local))

    def _ending(self, phrase: str, over: str, **words: str) -> dict[str, Any]:
        said = {"instruction": over, "instruction_short": over, "prepared": over}
        said |= {"statement": over, "own_words": "", "caution": ""}
        said |= {"after": "", "when": "", "change": "", "change_short": ""}
        return {**self._headed(phrase, **words), **said, **self._place()}

    def _rhythm(self, series: Mapping[str, Any], first: date, *, all_day: bool) -> str:
        """How it repeats: "chaque jeudi de 9 h à 12 h jusqu’au 17 décembre, sauf le 12 novembre"."""
        parts = dict(part.split("=", 1) for part in series["rule"].split(";") if "=" in part)
        last = date.fromisoformat(series["last"]) if series["last"] else None
        begins = datetime.combine(first, time.fromisoformat(series["opens"]), self.dates.zone)
        # On the wall clock: works that end at 6 do so on the night when the clocks change, too.
        ends = (begins.replace(tzinfo=None) + timedelta(seconds=series["length"])).replace(tzinfo=self.dates.zone)
        hours = None if all_day else self._hours(begins, ends)
        off = self._off([date.fromisoformat(day) for day in series["off"]], first, last)
        # A rule of every day is told by its first and last day, as one stretch of days or nights.
        if parts.get("FREQ") == "DAILY" and len(parts) == 1:
            at_night = not all_day and ends.date() == first + _DAY
            until = last + _DAY if last and at_night else last
            days = self.phrases["nights" if at_night else "every day"]
            span = self._span(first, until, at_once=True)
            return ", ".join(filter(None, (" ".join(filter(None, (days, span))), hours))) + off
        # Several rules at once ("+" joins them) make no sentence: their dates are told instead.
        days = self._days(parts) if "+" not in series["rule"] else ""
        if not days:
            extra = [date.fromisoformat(day) for day in series["extra"]] if not series["rule"] else []
            days, last = self._single_days([day for day in extra if day >= first], begins), None
            return " ".join(filter(None, (days, hours))) + off
        also = [date.fromisoformat(day) for day in series["extra"] if day >= first.isoformat()]
        more = self._say("also", days=self._dates(also[:_MOST_DAYS])) if also else ""
        return " ".join(filter(None, (days, hours, self._span(first, last, at_once=False)))) + off + more

    def _days(self, parts: Mapping[str, str]) -> str:
        """The days of a rule, in words; "" where there are none for it."""
        every = int(parts.get("INTERVAL", 1))
        match parts:
            case {"FREQ": "DAILY", **rest} if rest.keys() <= {"INTERVAL"}:
                return self._say("every other day" if every == 2 else "every n days", n=every)
            case {"FREQ": "WEEKLY", "BYDAY": days, **rest} if rest.keys() <= {"INTERVAL"}:
                return self._week(days.split(","), every)
            case {"FREQ": "MONTHLY", "BYMONTHDAY": day, **rest} if rest.keys() <= {"INTERVAL"} and day.isdigit():
                return self._say("every n months" if every > 1 else "monthly", days=self._ordinal(int(day)), n=every)
            case {"FREQ": "MONTHLY", "BYDAY": day, **rest} if rest.keys() <= {"INTERVAL", "BYSETPOS"}:
                which, name = parts.get("BYSETPOS", day[:-2]).lstrip("+"), day[-2:]
                if which in self.phrases and name in _WEEK:
                    said = self._say(which, day=self._weekday(name))
                    return self._say("every n months" if every > 1 else "monthly", days=said, n=every)
        return ""

    def _week(self, days: Sequence[str], every: int) -> str:
        if not set(days) <= set(_WEEK):
            return ""
        if len(days) == len(_WEEK) and every == 1:
            return self.phrases["every day"]
        names = [self._weekday(day) for day in days]
        places = [_WEEK.index(day) for day in days]
        if every == 1 and len(days) > 2 and places == list(range(places[0], places[-1] + 1)):
            return self._say("from day to day", first=names[0], last=names[-1])
        phrase = "each" if every == 1 else "every other" if every == 2 and len(days) == 1 else "every n weeks"
        return self._say(phrase, days=self._listed(names), n=every)

    def _single_days(self, days: Sequence[date], begins: datetime) -> str:
        if not days or len(days) > _MOST_DAYS:
            return self._say("many days", day=self.dates.day(begins))
        return self._dates(days)

    def _hours(self, begins: datetime, ends: datetime) -> str:
        if ends - begins > _DAY:
            return self._say("from hour", start=self.dates.time(begins))
        return self._say("hours", start=self.dates.time(begins), end=self.dates.time(ends))

    def _span(self, first: date, last: date | None, *, at_once: bool) -> str:
        """From when until when; from when only where that is more than a week away, or where `at_once` asks for it."""
        starts = at_once or first - self.context.now.astimezone(self.dates.zone).date() > _SOON
        if not last:
            return self._say("from", first=self._date(first)) if starts else ""
        if not starts:
            return self._say("until", last=self._date(last))
        same = first.month == last.month and first.year == last.year
        opening = self._ordinal(first.day) if same else self._date(first)
        return self._say("between", first=opening, last=self._date(last))

    def _off(self, days: Sequence[date], first: date, last: date | None) -> str:
        days_off = [day for day in days if day >= first and (last is None or day <= last)]
        return self._say("except", days=self._dates(days_off[:_MOST_DAYS])) if days_off else ""

    def _dates(self, days: Sequence[date], *, long: bool = False) -> str:
        """Some days: "le 3 décembre", "les 3, 10 et 17 décembre"; with their weekdays where `long`."""
        if long:
            return self._listed([self._date(day, weekday=True) for day in days[:_MOST_DAYS]])
        same = all((day.month, day.year) == (days[-1].month, days[-1].year) for day in days)
        names = [self._ordinal(day.day) if same else self._date(day) for day in days[:-1]] + [self._date(days[-1])]
        return self._say("some days" if len(days) == 1 else "several days", days=self._listed(names))

    def _listed(self, names: Sequence[str]) -> str:
        *most, last = names
        return f"{', '.join(most)}{self.phrases['and']}{last}" if most else last

    def _weekday(self, name: str) -> str:
        # Any Monday: Babel names the days of a date, not of a rule.
        monday = date(2026, 11, 23)
        return format_date(monday + timedelta(days=_WEEK.index(name)), "EEEE", locale=locale_of(self.matter.language))

    def _date(self, day: date, *, weekday: bool = False) -> str:
        far = abs(day - self.context.now.astimezone(self.dates.zone).date()) > _FAR
        pattern = f"{'EEEE ' if weekday else ''}d MMMM{' y' if far else ''}"
        said = format_date(day, pattern, locale=locale_of(self.matter.language))
        return with_ordinal(said, day, self.matter.language)

    def _ordinal(self, day: int) -> str:
        return "1er" if day == 1 and locale_of(self.matter.language).language == "fr" else str(day)


def _all_day(info: Info) -> bool:
    return info.parameter(ALL_DAY_PARAMETER) == "true"


def _onset(info: Info, dates: DateFormatter) -> datetime:
    return (info.onset or dates.now).astimezone(dates.zone)
