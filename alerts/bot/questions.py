"""Private messages to the bot, if the town hears them: questions about current alerts.

The bot asks about which alert, in answer to that message, and nothing is stored until a button confirms it: Telegram
sends the message with the press. Each such answer of the bot warns that nobody may be reading, and says how to call for
help.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from alerts.bot.chat import (
    BotReply,
    ChatEvent,
    On,
    Press,
    Say,
    TownNow,
    buttons,
    command_in,
    help_first,
    safe,
    words_of,
)
from alerts.model.listening import Remark
from alerts.rendering.moments import hours_between

MOST = 4
"""Incidents that are offered, the worst first; who asks about another one finds it on the town's page."""
PRESSED = "about:"
"""How the data of these buttons begin; an incident's id follows, or `no`."""
COMMAND = "question"
_NO = "no"
_LONGEST_TITLE = 60


def offer(message: int | None, town: TownNow, language: str) -> BotReply:
    """Ask what the message is about; where nothing is on, say that."""
    _, on = words_of(language).gettext, incidents(town, language)[:MOST]
    if not on:
        return _said(_("There are no current alerts to ask about."), town, language)
    nothing = (_("No, nothing"), PRESSED + _NO)
    if len(on) == 1:
        text = _("Is this a question about <b>%(title)s</b>?", title=safe(_short(on[0].title)))
        keyboard = buttons([(_("Yes"), PRESSED + on[0].incident), nothing])
    else:
        text = _("Is this a question about one of these?")
        keyboard = buttons(*([(_short(each.title), PRESSED + each.incident)] for each in on), [nothing])
    return _said(text, town, language, keyboard=keyboard, reply=message)


def how_to_ask(town: TownNow, language: str) -> BotReply:
    """To who wrote the command alone."""
    _ = words_of(language).gettext
    return _said(_("Write your question as a message, or after /question."), town, language)


def greeting(town: TownNow, language: str) -> BotReply:
    """Return the greeting of a bot that people can ask, but not subscribe with."""
    _ = words_of(language).gettext
    text = _(
        "Hello! Here you can ask the town (<b>%(town)s</b>) about current alerts: write your question.\n"
        "/now – current alerts\n/question – a question to the town\n/mydata – what is kept\n"
        "/forget – remove everything",
        town=safe(town.name),
    )
    if town.reports:
        text += "\n" + _("/%(report)s – report something", report=command_in(language, "report"))
    return _said(text, town, language)


def pressed(press: Press, event: ChatEvent, town: TownNow, language: str, now: datetime) -> BotReply:
    """Pass it on, or let it be. Pressed twice it is passed on once: the platform's id of a message is its own."""
    _, chosen = words_of(language).gettext, press.data.removeprefix(PRESSED)
    if chosen == _NO:
        return _said(_("Nothing was passed on."), town, language, keyboard=buttons(), edit=press.message)
    on = next((each for each in incidents(town, language) if each.incident == chosen), None)
    if on is None:
        return BotReply(toast=_("That has expired. Write your question again."))
    words = "" if press.about is None else _without_command(press.about.text)
    if press.about is None or not words:
        return BotReply(toast=_("That message is gone. Write your question again."))
    text = _(
        "Passed on to the town, as a question about <b>%(title)s</b>. If it is answered, the answer comes here. "
        "/mydata shows what is kept, /forget removes it.",
        title=safe(_short(on.title)),
    )
    remark = Remark(
        remote_id=f"{event.chat}:{press.about.message}",
        text=words,
        at=press.about.at or now,
        author=str(event.chat),
        language=language,
        incident=on.incident,
        private=True,
    )
    return replace(_said(text, town, language, keyboard=buttons(), edit=press.message), remark=remark)


def incidents(town: TownNow, language: str) -> Sequence[On]:
    """Return the current alerts that can be asked about, the worst first."""
    on = town.on.get(language) or next(iter(town.on.values()), ())
    return [each for each in on if each.incident]


def _said(text: str, town: TownNow, language: str, **how: Any) -> BotReply:
    """The text, with where help is before it, and behind it that nobody promises to read."""
    _ = words_of(language).gettext
    if town.hours:
        begins, ends = hours_between(town.hours, language)
        reads = _(
            "Messages are only read between %(begins)s and %(ends)s: there may be nobody reading yours now.",
            begins=begins,
            ends=ends,
        )
    else:
        reads = _("There may be nobody reading this right now.")
    return help_first(BotReply((Say(f"{text}\n\n{reads}", **how),)), town, language)


def _without_command(text: str) -> str:
    return text.partition(" ")[2].strip() if text.startswith("/") else text


def _short(title: str) -> str:
    line = " ".join(title.split())
    return line if len(line) <= _LONGEST_TITLE else line[: _LONGEST_TITLE - 1].rstrip() + "…"
