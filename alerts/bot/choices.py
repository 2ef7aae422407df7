"""The screens on which a subscriber chooses: where, topics, from which severity on, quiet hours, the language.

A button's data says what is to hold after it, never "the other way round": pressed twice, or late, it does no harm.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import time

from alerts.bot.chat import SPOKEN, Say, TownNow, buttons, key_of, safe, words_of
from alerts.model.alert import Severity
from alerts.model.subscriber import Quiet, Subscriber, Topic
from alerts.rendering.moments import clock_time

PAGE = 8
"""Districts on one screen."""
NAMED = 25
"""Chosen districts that a message names."""
# Characters of a district's name on a button: Telegram cuts a longer label.
_LONGEST_NAME = 60
NIGHT = Quiet(time(22), time(7))
"""Quiet hours of who didn't choose any: what isn't grave may wait until the morning."""
# Few and fixed: hours that are typed would need a conversation of their own, and be mistyped.
_QUIETS: Mapping[str, Quiet | None] = {
    "21-07": Quiet(time(21), time(7)),
    "22-07": NIGHT,
    "23-08": Quiet(time(23), time(8)),
    "off": None,
}
_YES = "✅ "

Gettext = Callable[..., str]


@dataclass(frozen=True, slots=True)
class ChoiceQuestions:
    """The way of who subscribes: three questions, one after the other."""

    names: tuple[str, ...]

    def place(self, step: str) -> int:
        """Return the index of the question, from 0; a removed one counts as the last."""
        return self.names.index(step) if step in self.names else len(self.names) - 1

    def after(self, step: str) -> str | None:
        """The question after this one; None where it was the last."""
        place = self.place(step) + 1
        return self.names[place] if place < len(self.names) else None


def steps(town: TownNow) -> ChoiceQuestions:
    """A town without districts asks one question less."""
    return ChoiceQuestions(("where", "topics", "severity") if town.districts else ("topics", "severity"))


def screen(name: str, subscriber: Subscriber, town: TownNow, page: int = 0) -> Say:
    """Return the screen of that name for this subscriber."""
    if name == "districts":
        return _districts(subscriber, town, page)
    made = _SCREENS.get(name)
    return made(subscriber) if made else _menu(subscriber, town)


def chosen(data: str, subscriber: Subscriber, town: TownNow) -> tuple[Subscriber, str, int] | None:
    """The subscriber after a button of a screen, the screen that comes next, and its page; None: no such button."""
    name, _, argument = data.partition(":")
    if name in ("d+", "d-"):
        return _district(name, argument, subscriber, town)
    if name == "dp":
        return subscriber, "districts", _number(argument)
    if name in ("t+", "t-") and argument in set(Topic):
        return _topic(name, Topic(argument), subscriber), "topics", 0
    moves: dict[str, Callable[[], Subscriber | None]] = {
        "town": lambda: replace(subscriber, districts=frozenset()),
        # "topics:done" keeps what was tapped one by one.
        "topics": lambda: replace(subscriber, topics=frozenset()) if argument == "all" else subscriber,
        "where": lambda: subscriber,
        "s": lambda: replace(subscriber, severity=Severity(argument)) if argument in set(Severity) else None,
        "q": lambda: replace(subscriber, quiet=_QUIETS[argument]) if argument in _QUIETS else None,
        "l": lambda: replace(subscriber, language=argument) if argument in SPOKEN else None,
    }
    after = moves[name]() if name in moves else None
    return (after, "next", 0) if after is not None else None


def district_chosen(subscriber: Subscriber, code: str, town: TownNow, *, on: bool) -> Subscriber:
    """With that district, or without it. All of them are the whole town."""
    districts = subscriber.districts | {code} if on else subscriber.districts - {code}
    is_all = {each.code for each in town.districts} <= districts
    # All of them one by one is the whole town, also when the town gets one more district.
    return replace(subscriber, districts=frozenset() if is_all else districts)


def summary(subscriber: Subscriber, town: TownNow) -> str:
    """Return a subscriber's choices, a line each."""
    words = words_of(subscriber.language)
    _ = words.gettext
    where = _named(subscriber, town)
    topics = ", ".join(topic_word(each, _) for each in Topic if each in subscriber.topics) or _("everything")
    quiet = _spelled(subscriber.quiet, subscriber.language) if subscriber.quiet else _("none")
    lines = (
        (_("Where"), where),
        (_("Topics"), topics),
        (_("Minimum severity"), severity_word(subscriber.severity, _)),
        (_("Quiet hours"), quiet),
        (_("Language"), SPOKEN.get(subscriber.language, subscriber.language)),
    )
    return "\n".join(_("%(name)s: <b>%(value)s</b>", name=name, value=safe(value)) for name, value in lines)


def topic_word(topic: Topic, _: Gettext) -> str:
    """A topic's name."""
    return {
        Topic.WEATHER: _("weather"),
        Topic.FLOOD: _("floods and rain"),
        Topic.WATER: _("drinking water"),
        Topic.WORKS: _("works and roads"),
        Topic.HEALTH: _("health, air, heat and cold"),
        Topic.SCHOOL: _("schools, nurseries, school buses"),
        Topic.SAFETY: _("safety: fire, evacuation, schools, others"),
    }[topic]


def severity_word(severity: Severity, _: Gettext) -> str:
    """From which severity on, in words."""
    return {
        Severity.MINOR: _("everything, including minor"),
        Severity.MODERATE: _("moderate and worse"),
        Severity.SEVERE: _("severe and worse"),
        Severity.EXTREME: _("extreme only"),
        Severity.UNKNOWN: _("everything, including minor"),
    }[severity]


def vital_words(subscriber: Subscriber) -> str:
    """Return the sentence on alerts that no choice of topics blocks (`alerts.model.subscriber.wants`)."""
    _ = words_of(subscriber.language).gettext
    if subscriber.severity is Severity.EXTREME:
        return _("You always get extreme alerts too, whatever your topics.")
    return _("You always get extreme alerts too, and severe ones about safety, whatever your topics.")


def _where(subscriber: Subscriber) -> Say:
    _ = words_of(subscriber.language).gettext
    text = _("<b>Where?</b> The whole town, your districts, or send your location: it is looked up and not kept.")
    return Say(
        text,
        buttons(
            [(_("The whole town"), "town")],
            [(_("Choose districts"), "dp:0")],
            *([[(_("Send my location"), "place")]] if subscriber.chat > 0 else []),
            _back(subscriber, _),
        ),
    )


def _districts(subscriber: Subscriber, town: TownNow, page: int) -> Say:
    _ = words_of(subscriber.language).gettext
    last = max(0, (len(town.districts) - 1) // PAGE)
    page = min(max(page, 0), last)
    rows = []
    for each in town.districts[page * PAGE : (page + 1) * PAGE]:
        on = each.code in subscriber.districts
        rows.append(
            [((_YES if on else "") + each.name[:_LONGEST_NAME], f"{'d-' if on else 'd+'}:{key_of(each.code)}:{page}")]
        )
    turn = [("◀", f"dp:{page - 1}")] if page > 0 else []
    turn += [("▶", f"dp:{page + 1}")] if page < last else []
    there = safe(_named(subscriber, town))
    text = _("<b>Which districts?</b> Tap each of yours, then Done.") + "\n" + _("Chosen: %(what)s", what=there)
    return Say(text, buttons(*rows, turn, [(_("Done"), "where:done")]))


def _topics(subscriber: Subscriber) -> Say:
    _ = words_of(subscriber.language).gettext
    rows = []
    for topic in Topic:
        on = topic in subscriber.topics
        rows.append([((_YES if on else "") + _capital(topic_word(topic, _)), f"{'t-' if on else 't+'}:{topic}")])
    # Without a topic there is nothing to be done with: "Everything" is the answer then.
    done = [[(_("Done"), "topics:done")]] if subscriber.topics else []
    text = _("<b>What about?</b> Everything, or tap what you want and then Done.") + "\n" + vital_words(subscriber)
    everything = [((_YES if not subscriber.topics and not subscriber.step else "") + _("Everything"), "topics:all")]
    return Say(text, buttons(everything, *rows, *done, _back(subscriber, _)))


def _severity(subscriber: Subscriber) -> Say:
    _ = words_of(subscriber.language).gettext
    levels = (Severity.MINOR, Severity.MODERATE, Severity.SEVERE, Severity.EXTREME)
    rows = [[(_capital(severity_word(each, _)), f"s:{each}")] for each in levels]
    return Say(_("<b>Minimum severity?</b>"), buttons(*rows, _back(subscriber, _)))


def _quiet(subscriber: Subscriber) -> Say:
    _ = words_of(subscriber.language).gettext
    spelled = {name: _spelled(quiet, subscriber.language) if quiet else "" for name, quiet in _QUIETS.items()}
    rows = [[(hours or _("No quiet hours"), f"q:{name}")] for name, hours in spelled.items()]
    text = _(
        "<b>Quiet hours</b>: alerts below severe wait until the quiet hours are over. "
        "Severe and worse always come at once."
    )
    return Say(text, buttons(*rows, _back(subscriber, _)))


def _language(subscriber: Subscriber) -> Say:
    _ = words_of(subscriber.language).gettext
    rows = [[(name, f"l:{tag}")] for tag, name in SPOKEN.items()]
    return Say(_("<b>Language</b>"), buttons(*rows, _back(subscriber, _)))


def _menu(subscriber: Subscriber, town: TownNow) -> Say:
    _ = words_of(subscriber.language).gettext
    where = [(_("Where"), "go:where")] if town.districts else []
    state = "" if subscriber.on else "\n\n" + _("Alerts are paused here: /start to resume.")
    vital = "\n" + vital_words(subscriber) if subscriber.topics else ""
    text = _("<b>Your choices</b>") + "\n" + summary(subscriber, town) + vital + state
    rows = [
        [*where, (_("Topics"), "go:topics")],
        [(_("Severity"), "go:severity"), (_("Quiet hours"), "go:quiet")],
        [(_("Language"), "go:language")],
    ]
    return Say(text, buttons(*rows))


def _back(subscriber: Subscriber, _: Gettext) -> list[tuple[str, str]]:
    """Return the button back to all choices; a new subscriber, who continues forward, has none."""
    return [] if subscriber.step else [(_("Back"), "go:menu")]


def _district(name: str, argument: str, subscriber: Subscriber, town: TownNow) -> tuple[Subscriber, str, int]:
    key, _, page = argument.partition(":")
    district = town.district(key)
    if district is not None:
        subscriber = district_chosen(subscriber, district.code, town, on=name == "d+")
    return subscriber, "districts", _number(page)


def _topic(name: str, topic: Topic, subscriber: Subscriber) -> Subscriber:
    topics = subscriber.topics | {topic} if name == "t+" else subscriber.topics - {topic}
    # Every topic is everything, also those that a later version adds.
    return replace(subscriber, topics=frozenset() if len(topics) == len(Topic) else topics)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 6 else 0


def _spelled(quiet: Quiet, language: str) -> str:
    return f"{clock_time(quiet.start, language)} – {clock_time(quiet.end, language)}"


def _named(subscriber: Subscriber, town: TownNow) -> str:
    """The districts that were chosen; of very many the first ones, for a message has an end."""
    words, names = words_of(subscriber.language), town.names(subscriber.districts)
    shown = ", ".join(name[:_LONGEST_NAME] for name in names[:NAMED])
    if len(names) > NAMED:
        shown += " " + words.ngettext("and %(n)s more", "and %(n)s more", len(names) - NAMED)
    return shown or words.gettext("the whole town")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


_SCREENS: Mapping[str, Callable[[Subscriber], Say]] = {
    "where": _where,
    "topics": _topics,
    "severity": _severity,
    "quiet": _quiet,
    "language": _language,
}
