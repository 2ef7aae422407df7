"""A poll's posts on each channel: its question, then its result in words and as a picture with bars.

No percentage is ever given: each option has its number, with the numbers of the channels that make it up.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, tzinfo

from babel.dates import format_date

from alerts.model.poll import BOT, WEB, Poll, Tally, Way
from alerts.model.post import Message, PollForm, PostImage, TextFormat
from alerts.model.town import ChannelConfig, Town
from alerts.rendering.card import Bar, draw_bars
from alerts.rendering.counting import count, spelled_for
from alerts.rendering.fit import at_words
from alerts.rendering.i18n import words_in
from alerts.rendering.moments import clock_at, locale_of, with_ordinal

Say = Callable[..., str]
_NO_VOTE = "A consultation of those who read these channels, not a vote."


def address_of(town: Town, poll: Poll) -> str | None:
    """The poll's page, where the town has a public address."""
    return f"{town.public_url}/polls/{poll.id}" if town.public_url else None


def question_on(town: Town, channel: ChannelConfig, poll: Poll) -> Message:
    """Return the message that opens a poll: the platform's own poll, or its words with the link to the page."""
    language = channel.language or town.language
    say = words_in(language).gettext
    marked = _marked(poll, say)
    link = address_of(town, poll)
    if channel.asks:
        form = PollForm(marked, poll.options, poll.closes_at)
        # A platform's own poll holds question and options by itself: the words beside it are looked for in a doubt.
        return Message(_in_markup(marked, channel.text), marked, language=language, poll=form)
    until = moment(poll.closes_at, town.zone, language)
    how = say("Answer until %(until)s, without an account:", until=until)
    ways = [[marked, *(f"• {option}" for option in poll.options), how], [marked, how], [marked]]
    return _fitted(ways, channel, link, language)


def result_on(town: Town, channel: ChannelConfig, tally: Tally, picture: PostImage | None = None) -> Message:
    """Return the message with the result: each option with its number and the channels that make it up."""
    poll, language = tally.poll, channel.language or town.language
    say = words_in(language).gettext
    head = say("You were asked: %(question)s", question=_marked(poll, say))
    rest = [*_missing(tally, say), say(_NO_VOTE)]
    parts = list(_parts(tally, say))
    ways = [[head, *parts, *rest], [head, *parts, *rest[:-1]], [head, *parts], parts]
    message = _fitted(ways, channel, address_of(town, poll), language)
    return Message(message.text, message.plain, message.link, picture, language)


def result_alt(tally: Tally, language: str) -> str:
    """The picture's text alternative: all of its words."""
    say = words_in(language).gettext
    return "\n".join([_marked(tally.poll, say), *_parts(tally, say), *_missing(tally, say)])


def place_name(name: str, say: Say) -> str:
    """Return the name of a place next to its number: a channel by its name."""
    return {WEB: say("page"), BOT: say("bot")}.get(name, name)


def draw_result(tally: Tally, station: str, language: str) -> bytes:
    """The result as PNG, 1200 × 630: a bar for each option, its number, and the parts below it."""
    say, poll = words_in(language).gettext, tally.poll
    bars = [
        Bar(f"{option}  {total}", total, _of(tally, option, say))
        for option, total in zip(poll.options, tally.sums, strict=True)
    ]
    return draw_bars(_marked(poll, say), bars, f"{station} · {say(_NO_VOTE)}")


def _marked(poll: Poll, say: Say) -> str:
    return f"{say('EXERCISE')} – {poll.question}" if poll.exercise else poll.question


def _parts(tally: Tally, say: Say) -> Iterator[str]:
    for option, total in zip(tally.poll.options, tally.sums, strict=True):
        yield say("%(option)s: %(total)s (%(parts)s)", option=option, total=total, parts=_of(tally, option, say))


def _of(tally: Tally, option: str, say: Say) -> str:
    """The numbers of one option, place by place."""
    return ", ".join(f"{place_name(name, say)} {votes.get(option, 0)}" for name, votes in tally.channels.items())


def _missing(tally: Tally, say: Say) -> list[str]:
    """The places whose numbers aren't in it, so that nobody takes the sum for the whole."""
    counted = {place.name for place in tally.counted}
    names = [place.name for place in tally.places if place.way is not Way.LINK and place.name not in counted]
    places = ", ".join(place_name(each, say) for each in names)
    return [say("Not counted in: %(places)s.", places=places)] if names else []


def moment(at: datetime, zone: tzinfo, language: str) -> str:
    """Format a day and its hour for a poll."""
    local = at.astimezone(zone)
    day = with_ordinal(format_date(local, "EEEE d MMMM", locale=locale_of(language)), local, language)
    return f"{day}, {clock_at(at, zone, language)}"


def _fitted(ways: Sequence[Sequence[str]], channel: ChannelConfig, link: str | None, language: str) -> Message:
    """The first of these ways that fits with its link; of the last one, as much as fits."""
    shown = link if channel.text.link == "text" else None

    def whole(text: str) -> str:
        return f"{text}\n{shown}" if shown else text

    def fits(text: str) -> bool:
        return count(_in_markup(whole(text), channel.text), channel.text) <= channel.text.limit

    texts = ["\n".join(lines) for lines in ways]
    text = next(filter(fits, texts), None) or at_words(texts[-1], fits, markup=False)
    return Message(_in_markup(whole(text), channel.text), whole(text), link, language=language)


def _in_markup(text: str, form: TextFormat) -> str:
    return html.escape(text, quote=False) if form.markup == "html" else spelled_for(text, form)
