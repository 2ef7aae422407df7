"""Polls by the bot: `/poll` shows each open one with its answers as buttons, and a chat answers once.

A vote is stored sealed, under a digest of the chat that the poll's secret makes (`alerts.model.poll`): the bot itself
can't find out afterwards who chose what. In a group nobody answers for all the others, so it is asked in private.
"""

from __future__ import annotations

from alerts.bot.chat import BotReply, ChatEvent, Command, Press, Say, TownNow, buttons, language_for, safe, words_of
from alerts.desk.service import DeskService
from alerts.desk.unit import DeskUnit
from alerts.model.poll import BOT, Ballot, Poll, PollState
from alerts.rendering.polling import moment

PRESSED = "vote:"
"""How the data of these buttons begin; the poll's id and the option's place follow."""
# Open polls that one command shows, a message each.
MOST = 5


def is_about(event: ChatEvent) -> bool:
    """True if somebody asks for polls, or answers one."""
    what = event.what
    return (isinstance(what, Command) and what.name == "poll") or (
        isinstance(what, Press) and what.data.startswith(PRESSED)
    )


async def answer(service: DeskService, channel: str, event: ChatEvent, town: TownNow, *, exercise: bool) -> BotReply:
    """Show what is asked, or count an answer."""
    press = event.what
    if isinstance(press, Press):
        return await service.keep(lambda unit: _voted(unit, channel, event, press, town, exercise=exercise))
    return await service.ask(lambda unit: _shown(unit, channel, event, town, exercise=exercise))


def _shown(unit: DeskUnit, channel: str, event: ChatEvent, town: TownNow, *, exercise: bool) -> BotReply:
    language = _language(unit, channel, event, town)
    _ = words_of(language).gettext
    if not event.private:
        return BotReply((Say(_("Ask me in a private chat, where everyone answers for themselves.")),))
    asked = [poll for poll in unit.polls.open() if _is_asked(unit, poll, exercise=exercise)]
    if not asked:
        return BotReply((Say(_("The town isn’t asking anything at the moment.")),))
    return BotReply(
        tuple(
            _say(poll, language, town, has_voted=unit.polls.has_voted(poll.id, _voter(poll, channel, event.chat)))
            for poll in asked[:MOST]
        )
    )


def _say(poll: Poll, language: str, town: TownNow, *, has_voted: bool) -> Say:
    _ = words_of(language).gettext
    question = _marked(poll, language)
    if has_voted:
        return Say(f"{question}\n{_('You have answered. Thank you.')}")
    until = _("Open until %(at)s.", at=moment(poll.closes_at, town.zone, language))
    until += "\n" + _("One answer per chat, with no name; nobody at the town hall sees the numbers before the end.")
    rows = [[(option, f"{PRESSED}{poll.id}:{place}")] for place, option in enumerate(poll.options)]
    return Say(f"{question}\n{until}", buttons(*rows))


def _voted(unit: DeskUnit, channel: str, event: ChatEvent, press: Press, town: TownNow, *, exercise: bool) -> BotReply:
    language = _language(unit, channel, event, town)
    _ = words_of(language).gettext
    identity, _colon, place = press.data.removeprefix(PRESSED).partition(":")
    poll = unit.polls.poll(identity)
    if not event.private or poll is None or not place.isdecimal() or int(place) >= len(poll.options):
        return BotReply(toast=_("That button no longer works: /poll shows the current questions."))
    question = _marked(poll, language)
    if poll.closes_at <= unit.now or not _is_asked(unit, poll, exercise=exercise):
        return BotReply((Say(f"{question}\n{_('It is closed.')}", buttons(), press.message),), toast=_("It is closed."))
    voter = _voter(poll, channel, event.chat)
    if not unit.polls.has_voted(poll.id, voter):
        unit.polls.vote(poll, Ballot(BOT, voter, int(place)), unit.now)
    thanks = _("You have answered. Thank you.")
    return BotReply((Say(f"{question}\n{thanks}", buttons(), press.message),), toast=thanks)


def _is_asked(unit: DeskUnit, poll: Poll, *, exercise: bool) -> bool:
    """True if the bots ask it: a poll of an exercise only by a bot of an exercise channel."""
    is_open = poll.state is PollState.OPEN and poll.closes_at > unit.now and poll.exercise is exercise
    return is_open and any(place.name == BOT for place in unit.polls.tally(poll).places)


def _language(unit: DeskUnit, channel: str, event: ChatEvent, town: TownNow) -> str:
    known = unit.subscribers.get(channel, event.chat)
    return known.language if known is not None else language_for(event.language, town.language)


def _marked(poll: Poll, language: str) -> str:
    _ = words_of(language).gettext
    word = _("EXERCISE") if poll.exercise else ""
    return f"<b>{safe(f'{word} – {poll.question}' if word else poll.question)}</b>"


def _voter(poll: Poll, channel: str, chat: int) -> str:
    return poll.voter(BOT, f"{channel} {chat}")
