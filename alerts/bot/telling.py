"""What is on, in a message: never a bare "nothing", but how old that knowledge is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from alerts.bot.reply import LONGEST_TEXT, length_of, link, safe
from alerts.bot.town import Fresh, On, Town
from alerts.bot.words import words_of
from alerts.rendering.words import Words

MOST = 10
"""Incidents that one message tells of; the town's page has them all."""
_LONGEST_TITLE = 150
_LONGEST_SUMMARY = 200
_LONGEST_NAME = 80
_SPARE = 100
"""Units left for the word that there are more."""


def tell_now(town: Town, language: str, now: datetime, foot: str = "") -> str:
    """What is on in the town, worst first, then how fresh each source is; `foot` is said at the end."""
    words = words_of(language)
    on = town.on.get(language) or next(iter(town.on.values()), ())
    clock = f"{now.astimezone(town.zone):%H:%M}"
    rest = [_freshness(each, town, words) for each in town.sources[:MOST]]
    below = ["\n".join(rest)] if rest else []
    if town.page:
        below.append(link(words.gettext("The town's page"), town.page))
    if foot:
        below.append(foot)
    if not on:
        lines = [words.gettext("Nothing is on in <b>%(town)s</b> (%(time)s).", town=safe(town.name), time=clock)]
    else:
        lines = [words.gettext("<b>%(town)s</b>, now (%(time)s):", town=safe(town.name), time=clock)]
        told = _fitting([_line(each) for each in on[:MOST]], beside=[*lines, *below])
        lines += told
        if len(on) > len(told):
            lines.append(words.ngettext("and %(n)s more", "and %(n)s more", len(on) - len(told)))
    return "\n\n".join([*lines, *below])


def _fitting(told: Sequence[str], beside: Sequence[str]) -> list[str]:
    """As many, from the first on, as one message holds with what else it says."""
    room, fitting = LONGEST_TEXT - _SPARE - sum(length_of(each) + 2 for each in beside), []
    for each in told:
        room -= length_of(each) + 2
        if room < 0:
            break
        fitting.append(each)
    return fitting


def _line(on: On) -> str:
    title = safe(_short(on.title, _LONGEST_TITLE))
    named = f"<b>{title}</b>" if on.url is None else f"<b>{link(_short(on.title, _LONGEST_TITLE), on.url)}</b>"
    return f"• {named}\n{safe(_short(on.summary, _LONGEST_SUMMARY))}".rstrip()


def _freshness(source: Fresh, town: Town, words: Words) -> str:
    name = safe(_short(source.title, _LONGEST_NAME))
    if source.last_ok is None:
        return words.gettext("⚠ %(source)s: not read yet", source=name)
    clock = f"{source.last_ok.astimezone(town.zone):%d/%m %H:%M}"
    if source.stale:
        return words.gettext("⚠ %(source)s: not read since %(time)s, there may be more", source=name, time=clock)
    return words.gettext("%(source)s: read %(time)s", source=name, time=clock)


def _short(text: str, most: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"
