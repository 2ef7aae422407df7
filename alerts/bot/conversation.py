"""The conversation with a subscriber, as a pure function: from the chat's choices and an event to an answer.

`reply` is called with the chat's stored data, the event and the town as it is now, and returns the messages to send and
the data to store. Nothing else is remembered: the current question is part of the subscriber (`step`), the meaning of a
button of its data. `/start` asks up to three questions, one after the other (`choices.screen`); alerts come from the
last answer on. `/now` never gives a bare "no alerts", but also the age of that knowledge.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

from alerts.bot import questions
from alerts.bot.chat import (
    ASKED,
    LONGEST_TEXT,
    BotReply,
    ChatEvent,
    Command,
    FreeText,
    Fresh,
    Kept,
    Left,
    Moved,
    On,
    Press,
    Say,
    SentLocation,
    SentPhoto,
    TownNow,
    buttons,
    command_in,
    help_first,
    language_for,
    length_of,
    link,
    pieces,
    safe,
    words_of,
)
from alerts.bot.choices import NIGHT, chosen, district_chosen, screen, steps, summary
from alerts.model.ports import Keyboard
from alerts.model.reports import BegunReport, CitizenReport
from alerts.model.subscriber import Subscriber
from alerts.rendering.moments import clock_at

MOST = 10
"""Incidents in one message; the town's page has them all."""
# Ten alerts of this length fit into one message of 4,096 units, with their links.
_LONGEST_TITLE = 150
_LONGEST_SUMMARY = 200
_LONGEST_NAME = 80
# Units left for the word that there are more.
_SPARE = 100


@dataclass(frozen=True)
class Scene:
    """One event with all that is known when it happens."""

    kept: Kept
    event: ChatEvent
    town: TownNow
    now: datetime

    @property
    def known(self) -> Subscriber | None:
        """The chat's choices; None for a stranger."""
        return self.kept.subscriber

    @cached_property
    def language(self) -> str:
        """The language that was chosen, else that of the person's app, else the station's."""
        return self.known.language if self.known else language_for(self.event.language, self.town.language)

    @property
    def words(self) -> Callable[..., str]:
        """The sentences of that language."""
        return words_of(self.language).gettext


Answer = Callable[[Scene], BotReply]


def reply(kept: Kept, event: ChatEvent, town: TownNow, now: datetime) -> BotReply:
    """Return the answer to `event`, and the data to store. Officers' acts are answered elsewhere."""
    scene = Scene(kept, event, town, now)
    match event.what:
        case Command(name=questions.COMMAND, argument=words) if town.hears and event.private:
            return _question(scene, words)
        case Command(name=name):
            return _COMMANDS.get(name, _hint)(scene) if town.subscribes or name in ASKED else _hint(scene)
        case Press(data=data) if data.startswith(questions.PRESSED):
            return questions.pressed(event.what, event, town, scene.language, now) if town.hears else _hint(scene)
        case Press():
            return _press(scene, event.what)
        case SentLocation():
            return _place(scene, event.what)
        case Left():
            return BotReply(forgets=True)
        case FreeText() | SentPhoto() as said:
            words = said.text if isinstance(said, FreeText) else ""
            return _free_text(scene, words) if event.private else BotReply()
        case Moved():
            return BotReply()


def _question(scene: Scene, words: str) -> BotReply:
    if not words:
        return questions.how_to_ask(scene.town, scene.language)
    return questions.offer(scene.event.message, scene.town, scene.language)


def _free_text(scene: Scene, text: str) -> BotReply:
    """Answer free text: it may be a question, if the town hears any; during `/start` it answers that."""
    is_subscribing = scene.known is not None and scene.known.step is not None
    if not text or not scene.town.hears or is_subscribing or not questions.incidents(scene.town, scene.language):
        return _hint(scene)
    return questions.offer(scene.event.message, scene.town, scene.language)


def _start(scene: Scene) -> BotReply:
    known, town, _ = scene.known, scene.town, scene.words
    # Who stopped in the midst of the questions begins them anew: half of an answer says little.
    if known is not None and known.step is None:
        after = replace(known, on=True)
        menu = screen("menu", after, town)
        said = _("You are subscribed.") if known.on else _("Welcome back: you are subscribed again.")
        return BotReply((Say(f"{said}\n\n{menu.text}", menu.keyboard),), keeps=after)
    first = steps(town).names[0]
    fresh = Subscriber(scene.event.chat, scene.language, quiet=NIGHT, step=first, on=False)
    welcome = _(
        "Hello! <b>%(town)s</b> sends its alerts here: warnings, cuts and works, "
        "as soon as they are announced.\nWe only keep this chat’s number, your choices and which alerts you got: "
        "no name, no phone number. /forget removes it all.",
        town=safe(town.name),
    )
    question = screen(first, fresh, town)
    return BotReply((Say(f"{welcome}\n\n{question.text}", question.keyboard),), keeps=fresh)


def _done(subscriber: Subscriber, town: TownNow, edit: int | None) -> BotReply:
    """The last question was answered: from now on alerts come."""
    _ = words_of(subscriber.language).gettext
    after = replace(subscriber, step=None, on=True)
    text = "\n\n".join(
        (
            _("<b>Done: you are subscribed.</b>"),
            summary(after, town),
            _("/now shows current alerts, /settings changes your choices, /test checks that messages reach you."),
        )
    )
    return BotReply((Say(text, buttons(), edit),), keeps=after)


def _settings(scene: Scene) -> BotReply:
    if scene.known is None:
        return _stranger(scene)
    if scene.known.step is None:
        return BotReply((screen("menu", scene.known, scene.town),))
    question = screen(scene.known.step, scene.known, scene.town)
    text = "\n\n".join((_not_on(scene), summary(scene.known, scene.town), question.text))
    return BotReply((Say(text, question.keyboard),))


def _not_on(scene: Scene) -> str:
    """To whom no alerts come, why, and how they would: who stopped in the midst of subscribing, or paused. Else ""."""
    known, _ = scene.known, scene.words
    if known is None or known.on:
        return ""
    if known.step is None:
        return _("Alerts are paused here: /start to resume.")
    asked = steps(scene.town)
    return words_of(scene.language).ngettext(
        "<b>No alerts are sent here yet</b>: %(n)s question to go, use /settings to answer it.",
        "<b>No alerts are sent here yet</b>: %(n)s questions to go, use /settings to answer them.",
        len(asked.names) - asked.place(known.step),
    )


def _language(scene: Scene) -> BotReply:
    return _start(scene) if scene.known is None else BotReply((screen("language", scene.known, scene.town),))


def _stop(scene: Scene) -> BotReply:
    if scene.known is None:
        return _stranger(scene)
    _ = scene.words
    text = _("You won’t get any more alerts. Your choices are kept: /start to resume, /forget to remove them.")
    return BotReply((Say(text),), keeps=replace(scene.known, on=False))


def _forget(scene: Scene) -> BotReply:
    _ = scene.words
    if scene.kept.nothing:
        return BotReply((Say(_("Nothing is kept about this chat.")),))
    text = _("Remove everything that is kept about this chat, and send no more alerts?")
    if scene.kept.account:
        text += "\n" + _(
            "Its link to the account <b>%(name)s</b> goes too: alerts waiting to be validated will no longer be "
            "announced here.",
            name=safe(scene.kept.account),
        )
    if scene.kept.reports:
        text += "\n" + _("Your reports from this chat are also erased at the town hall.")
    return BotReply((Say(text, buttons([(_("Yes, remove it"), "f:yes"), (_("No"), "f:no")])),))


def _mydata(scene: Scene) -> BotReply:
    _ = scene.words
    if scene.kept.nothing:
        return BotReply((Say(_("Nothing is kept about this chat.")),))
    data = json.dumps(data_of(scene.kept), ensure_ascii=False, indent=1)
    first, *others = (f"<pre>{safe(piece)}</pre>" for piece in pieces(data, LONGEST_TEXT - 500))
    text = "\n".join(filter(None, (_("Everything we keep about this chat. /forget removes it."), _not_on(scene))))
    return BotReply((Say(f"{text}\n{first}"), *(Say(other) for other in others)))


def data_of(kept: Kept) -> dict[str, object]:
    """All that is kept of a chat, ready for JSON."""
    found: dict[str, object] = {
        **(_choices_of(kept.subscriber) if kept.subscriber else {}),
        "received": [{"incident": each, "message": number, "at": _at(at)} for each, number, at in kept.received],
    }
    if kept.deferred:
        found["held_back"] = [{"post": post, "until": _at(until)} for post, until in kept.deferred]
    if kept.asked_town:
        found["questions"] = [{"text": each.text, "at": _at(each.said_at)} for each in kept.asked_town]
    if kept.reports:
        found["reports"] = [_report_of(each) for each in kept.reports]
    if kept.begun:
        begun = kept.begun
        found["report_begun"] = {"kind": begun.kind, "place": _where(begun), "text": begun.text, "at": _at(begun.at)}
    if kept.account:
        found["account"] = kept.account
        found["told"] = [{"alert": alert, "at": _at(at)} for alert, at in kept.notified.items()]
    if kept.asked:
        found["asked_why"] = {"alert": kept.asked.alert, "message": kept.asked.message, "at": _at(kept.asked.at)}
    return found


def _report_of(report: CitizenReport) -> dict[str, object]:
    return {
        "report": report.number,
        "kind": report.kind,
        "state": report.state.value,
        "place": _where(report),
        "text": report.text,
        "photo": report.has_photo,
        "at": _at(report.at),
    }


def _where(of: CitizenReport | BegunReport) -> dict[str, object]:
    return {"lat": of.lat, "lon": of.lon, "words": of.place}


def _choices_of(known: Subscriber) -> dict[str, object]:
    quiet = [f"{known.quiet.start:%H:%M}", f"{known.quiet.end:%H:%M}"] if known.quiet else None
    return {
        "chat": known.chat,
        "language": known.language,
        "districts": sorted(known.districts),
        "topics": sorted(known.topics),
        "severity": str(known.severity),
        "quiet": quiet,
        "step": known.step,
        "on": known.on,
    }


def _at(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


def _test(scene: Scene) -> BotReply:
    _ = scene.words
    clock = f"{scene.now.astimezone(scene.town.zone):%H:%M:%S}"
    text = _(
        "<b>%(town)s</b> – TEST, requested here at %(time)s. If you can read this, it works.",
        time=clock,
        town=safe(scene.town.name),
    )
    state = _not_on(scene) or (
        _("Alerts are sent here.") if scene.known else _("But there is no subscription here: /start")
    )
    return BotReply((Say(f"{text}\n{state}"),))


def _now(scene: Scene) -> BotReply:
    return BotReply((Say(_tell_now(scene.town, scene.language, scene.now, _not_on(scene))),))


def _tell_now(town: TownNow, language: str, now: datetime, foot: str = "") -> str:
    """Return the current alerts of the town, worst first, then the freshness of each source; `foot` comes last."""
    words = words_of(language)
    on = town.on.get(language) or next(iter(town.on.values()), ())
    clock = clock_at(now, town.zone, language)
    rest = [_freshness(each, town, language) for each in town.sources[:MOST]]
    below = ["\n".join(rest)] if rest else []
    if town.page:
        below.append(link(words.gettext("The town’s page"), town.page))
    if foot:
        below.append(foot)
    if not on:
        lines = [words.gettext("No current alerts in <b>%(town)s</b> (%(time)s).", town=safe(town.name), time=clock)]
    else:
        lines = [words.gettext("<b>%(town)s</b>, now (%(time)s):", town=safe(town.name), time=clock)]
        shown = _fitting([_line(each) for each in on[:MOST]], beside=[*lines, *below])
        lines += shown
        if len(on) > len(shown):
            lines.append(words.ngettext("and %(n)s more", "and %(n)s more", len(on) - len(shown)))
    return "\n\n".join([*lines, *below])


def _fitting(lines: Sequence[str], beside: Sequence[str]) -> list[str]:
    """As many, from the first on, as one message holds with what else it says."""
    # What is worst stands first, so what doesn't fit is what matters least; the page has all of it.
    room, fitting = LONGEST_TEXT - _SPARE - sum(length_of(each) + 2 for each in beside), []
    for each in lines:
        room -= length_of(each) + 2
        if room < 0:
            break
        fitting.append(each)
    return fitting


def _line(on: On) -> str:
    title = safe(_short(on.title, _LONGEST_TITLE))
    named = f"<b>{title}</b>" if on.url is None else f"<b>{link(_short(on.title, _LONGEST_TITLE), on.url)}</b>"
    return f"• {named}\n{safe(_short(on.summary, _LONGEST_SUMMARY))}".rstrip()


def _freshness(source: Fresh, town: TownNow, language: str) -> str:
    words = words_of(language)
    name = safe(_short(source.title, _LONGEST_NAME))
    if source.last_ok is None:
        return words.gettext("⚠ %(source)s: not read yet", source=name)
    clock = f"{source.last_ok.astimezone(town.zone):%d/%m}, {clock_at(source.last_ok, town.zone, language)}"
    if source.stale:
        return words.gettext("⚠ %(source)s: not read since %(time)s, there may be more", source=name, time=clock)
    return words.gettext("%(source)s: read %(time)s", source=name, time=clock)


def _short(text: str, most: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


def _hint(scene: Scene) -> BotReply:
    _ = scene.words
    if not scene.town.subscribes:
        return questions.greeting(scene.town, scene.language)
    text = _(
        "This bot only understands commands:\n"
        "/start – subscribe\n/now – current alerts\n/settings – your choices\n/language – the language\n"
        "/test – a test message\n/stop – no more alerts\n/mydata – what is kept\n"
        "/forget – remove everything"
    )
    if scene.town.hears:
        text += "\n" + _("/question – a question to the town")
    if scene.town.reports:
        text += "\n" + _("/%(report)s – report something", report=command_in(scene.language, "report"))
    return help_first(BotReply((Say(text),)), scene.town, scene.language)


def _stranger(scene: Scene) -> BotReply:
    _ = scene.words
    return BotReply((Say(_("There is no subscription here: /start")),))


def _press(scene: Scene, press: Press) -> BotReply:
    _ = scene.words
    if press.data.startswith("f:"):
        return _forgotten(press, _)
    subscriber, town = scene.known, scene.town
    if subscriber is None:
        return BotReply(toast=_("There is no subscription here: /start"))
    if press.data == "place":
        return _ask_for_place(_)
    if press.data.startswith("go:"):
        return BotReply((replace(screen(press.data[3:], subscriber, town), edit=press.message),))
    found = chosen(press.data, subscriber, town)
    if found is None:
        return BotReply(toast=_("That button no longer works: /settings shows the current ones."))
    after, name, page = found
    if name == "next":
        return _next(after, press, town)
    return BotReply((replace(screen(name, after, town, page), edit=press.message),), keeps=after)


def _next(after: Subscriber, press: Press, town: TownNow) -> BotReply:
    """The next question, or the choices as they are now. A button of a question that was answered asks no other."""
    asked = {"town": "where", "where": "where", "topics": "topics", "s": "severity"}.get(press.data.partition(":")[0])
    if after.step is None:
        return BotReply((replace(screen("menu", after, town), edit=press.message),), keeps=after)
    # A button of an older message: what it chose holds, the question that is open is asked once more.
    if asked != after.step:
        return BotReply((replace(screen(after.step, after, town), edit=press.message),), keeps=after)
    following = steps(town).after(after.step)
    if following is None:
        return _done(after, town, press.message)
    after = replace(after, step=following)
    return BotReply((replace(screen(following, after, town), edit=press.message),), keeps=after)


def _forgotten(press: Press, _: Callable[..., str]) -> BotReply:
    if press.data == "f:yes":
        text = _("Everything about this chat has been removed. /start to begin again.")
        return BotReply((Say(text, buttons(), press.message),), forgets=True)
    return BotReply((Say(_("Nothing was removed."), buttons(), press.message),))


def _ask_for_place(_: Callable[..., str]) -> BotReply:
    """Telegram asks the person once more before anything is sent."""
    keyboard: Keyboard = {
        "keyboard": [[{"text": _("Send my location"), "request_location": True}]],
        "one_time_keyboard": True,
        "resize_keyboard": True,
    }
    return BotReply(
        (Say(_("Tap the button below. The location is compared with the districts and then deleted."), keyboard),)
    )


def _place(scene: Scene, place: SentLocation) -> BotReply:
    """The district of a place is chosen; the place itself goes no further than this."""
    event, town, _ = scene.event, scene.town, scene.words
    if not event.private:
        return BotReply()
    if not town.subscribes:
        return _hint(scene)
    first = steps(town).names[0]
    known = scene.known or Subscriber(event.chat, scene.language, quiet=NIGHT, step=first, on=False)
    away: Keyboard = {"remove_keyboard": True}
    district = town.around(place.latitude, place.longitude)
    # Nor is it said which district is nearest: that would be a guess, and somebody would rely on it.
    if district is None:
        text = _("That place is in none of our districts; the location was not kept.")
        following = screen("where" if town.districts else "menu", known, town)
        return BotReply((Say(text, away), following), keeps=known)
    after = district_chosen(known, district.code, town, on=True)
    # Who was asked for a district and sent a place has answered; who changes a choice later has nothing open.
    if after.step == "where":
        after = replace(after, step=steps(town).after("where"))
    text = _("Your district: <b>%(name)s</b>. The location was not kept.", name=safe(district.name))
    return BotReply((Say(text, away), screen(after.step or "menu", after, town)), keeps=after)


# Below the functions that it names. What isn't here is answered by the list of commands.
_COMMANDS: dict[str, Answer] = {
    "start": _start,
    "now": _now,
    "settings": _settings,
    "language": _language,
    "stop": _stop,
    "mydata": _mydata,
    "forget": _forget,
    "test": _test,
    "help": _hint,
}
