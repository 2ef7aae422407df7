"""The bot's words to reporters, during a report and afterwards."""

from __future__ import annotations

from collections.abc import Sequence

from alerts.bot.chat import On, Say, buttons, command_in, link, safe, words_of
from alerts.model.ports import Keyboard
from alerts.model.reports import BegunReport, CitizenReport, Closing, ReportKind, ReportState, ReportStep
from alerts.rendering.i18n import Words

PRESSED = "report:"
"""How the data of these buttons begin."""
# The data of the buttons, by which a press is recognised; a restart forgets none of it.
KIND, SEND, AGREE, STOP = (f"{PRESSED}{each}" for each in ("kind:", "send", "too:", "no"))
# The button for the location belongs to the keyboard, and stays until it is removed.
AWAY: Keyboard = {"remove_keyboard": True}
# Telegram cuts a longer label on a narrow telephone.
_LONGEST_BUTTON = 60
_LONGEST_TITLE = 100


def ask_kind(kinds: Sequence[ReportKind], language: str) -> Say:
    """Ask for the kind. First of all comes the number to call in danger."""
    _ = words_of(language).gettext
    text = _(
        "Is somebody in danger? Call <b>112</b> or <b>18</b>; if you can’t hear or speak, text <b>114</b>.\n\n"
        "<b>What do you want to report?</b>"
    )
    return Say(text, buttons(*([(each.name(language)[:_LONGEST_BUTTON], f"{KIND}{each.code}")] for each in kinds)))


def ended(kind: ReportKind, message: int) -> Say:
    """The number to call, in place of all questions: nothing is reported here."""
    return Say(f"<b>{safe(kind.stop or '')}</b>", buttons(), message)


def chosen(kind: ReportKind, language: str, message: int) -> Say:
    """Return the chosen kind, in place of the buttons."""
    return Say(f"<b>{safe(kind.name(language))}</b>", buttons(), message)


def ask_place(language: str, *, by_address: bool) -> Say:
    """Where is it? Telegram asks the person once more before it sends where they are."""
    _ = words_of(language).gettext
    text = _("<b>Where is it?</b> Tap the button below to send your location, or attach a place with 📎.")
    if by_address:
        text += "\n" + _("Or write the address: number and street.")
    keyboard: Keyboard = {
        "keyboard": [[{"text": _("Send my location"), "request_location": True}]],
        "one_time_keyboard": True,
        "resize_keyboard": True,
    }
    return Say(text, keyboard)


def place_found(begun: BegunReport, language: str, *, is_here: bool) -> Say:
    """Confirm the place; the button for the location disappears."""
    _ = words_of(language).gettext
    text = f"📍 {safe(begun.place or f'{begun.lat:.5f}, {begun.lon:.5f}')}"
    if not is_here:
        text += "\n" + _("This is outside the town. If that is wrong, send the place again.")
    return Say(text, AWAY)


def ask_more(language: str, before: str = "", also: Sequence[tuple[str, str]] = ()) -> Say:
    """Ask for more, which is optional; `also` are reports of possibly the same matter: descriptions and ids."""
    _ = words_of(language).gettext
    text = _(
        "You can send a photo (with words under it), or a few words. Or send the report as it is: "
        "tap the button, or write /%(end)s.",
        end=command_in(language, "done"),
    )
    rows = [[(_("Me too: %(what)s", what=what)[:_LONGEST_BUTTON], f"{AGREE}{report}")] for what, report in also]
    last = [[(_("Send the report"), SEND)], [(_("Cancel"), STOP)]]
    return Say("\n\n".join(filter(None, (before, text))), buttons(*rows, *last))


def nothing_begun(report: CitizenReport | None, language: str) -> str:
    """To who sends what was sent already, or nothing: `report` is the chat's newest, where it came just now."""
    _ = words_of(language).gettext
    if report is None:
        return _("No report has been started here: /%(report)s to begin.", report=command_in(language, "report"))
    return _(
        "Your report %(number)s has already been sent. To send another: /%(report)s",
        number=safe(report.number),
        report=command_in(language, "report"),
    )


def known(on: On, language: str) -> str:
    """The town knows: what it says is to be read before anybody writes more."""
    _ = words_of(language).gettext
    return _("The town already knows about this: %(alert)s", alert=_named(on))


def sent(report: CitizenReport, url: str | None, on: On | None, language: str, edit: int | None = None) -> Say:
    """Its number and its private link."""
    _ = words_of(language).gettext
    lines = [_("Thank you. Your report number is <b>%(number)s</b>.", number=safe(report.number))]
    if on is not None:
        lines.append(_("It is part of a current alert: %(alert)s", alert=_named(on)))
    lines.append(_("We’ll let you know here what happens to it."))
    if url is not None:
        page = link(_("Private page"), url)
        lines.append(_("%(link)s: keep it to yourself, anyone who has it can see and erase the report.", link=page))
    return Say("\n".join(lines), buttons() if edit is not None else AWAY, edit)


def _named(on: On) -> str:
    title = on.title if len(on.title) <= _LONGEST_TITLE else on.title[: _LONGEST_TITLE - 1] + "…"
    return link(title, on.url) if on.url else f"<b>{safe(title)}</b>"


# --- what became of it


def news(step: ReportStep, report: CitizenReport, kind: str, on: On | None, language: str) -> Say:
    """Return the message about one step of a report; `on` is the alert that it is about, if that is current."""
    words = words_of(language)
    where = ", ".join(filter(None, (kind, report.place)))
    lines = [f"<b>{safe(report.number)}</b> – {safe(where)}", _became(step, words)]
    if on is not None and step.state is not ReportState.CLOSED:
        lines.append(words.gettext("It is part of a current alert: %(alert)s", alert=_named(on)))
    if step.said:
        lines.append(words.gettext("The town says: “%(words)s”", words=safe(step.said)))
    return Say("\n".join(lines))


def _became(step: ReportStep, words: Words) -> str:
    _ = words.gettext
    ends = {
        Closing.DONE: _("It has been done."),
        Closing.NOT_OURS: _("It is closed: this isn’t for the town to deal with."),
        Closing.DUPLICATE: _("It is the same as another report, which is still open."),
        Closing.NOT_FOUND: _("It is closed: nothing was found there."),
        Closing.ERASED: _("It has been erased."),
    }
    if step.closing is not None:  # also of the one that it is the same as
        return ends[step.closing]
    return {
        ReportState.RECEIVED: _("It has been received."),
        ReportState.HELD: _("Somebody is looking at it."),
        ReportState.ACCEPTED: _("The town has taken it on."),
        ReportState.ASSIGNED: _("Somebody is dealing with it."),
        ReportState.CLOSED: _("This report is closed."),
        ReportState.SET_ASIDE: _("It was set aside."),
    }[step.state]
