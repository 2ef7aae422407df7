"""The bot's buttons of acts: each is made from the act's declaration (`alerts.desk.act`).

A button's data are `name:id:seen`: the act's name, the whole id of what it is done to, and the first digits of the
fingerprint of what was shown above it, where the act is bound to that. A press carries the act out as the officer whose
chat it is. What rejects takes a second step, which asks why (`alerts.bot.officers`).
"""

from __future__ import annotations

from datetime import tzinfo

from alerts.bot.chat import LONGEST_TEXT, Say, buttons, length_of, safe, words_of
from alerts.desk.act import OfficerAct, deciding, every_act, fields_of, fingerprint_of
from alerts.desk.officer import Officer
from alerts.desk.versions import digest_of
from alerts.listening.poll_acts import ApprovePoll
from alerts.listening.polls import shown_of
from alerts.model.errors import Conflict, Misuse
from alerts.model.listening import AnswerTo, GivenAnswer
from alerts.model.poll import Poll
from alerts.model.ports import Keyboard
from alerts.model.reason import because
from alerts.rendering.polling import moment
from alerts.reports.words_acts import ApproveAnswer

SEEN = 24
"""Digits of a fingerprint in a button, 96 bits: with an id, 64 bytes have no room for more."""


def act_named(data: str) -> type[OfficerAct] | None:
    """The act that a button's data name, if a press says all that it takes."""
    name = data.partition(":")[0]
    found = (act for act in every_act() if act.name() == name)
    return next((act for act in found if not any(each.is_required for each in fields_of(act))), None)


def data_of(act: OfficerAct, fingerprint: str = "") -> str:
    """The data of a button that does this to what was shown with that fingerprint."""
    return f"{act.name()}:{act.id}:{fingerprint[:SEEN]}"


def pressed(officer: Officer, data: str, language: str) -> str:
    """Carry out what a button names, and say so. Raises TocsinError, and then nothing is done."""
    act = act_named(data)
    assert act is not None  # noqa: S101 who asks has looked
    identity, _, seen = data.partition(":")[2].partition(":")
    unit, made = officer.unit, act(identity)
    if (why := made.missing(unit)) is not None:
        raise Misuse(why)
    what = safe(made.title(unit))
    given: dict[str, object] = {}
    if any(each.key == "seen" for each in fields_of(act)):
        # A shorter prefix would fit more than one version: the button carries exactly so many digits.
        now = fingerprint_of(made.before(unit))
        if len(seen) != SEEN or not now.startswith(seen):
            raise Conflict(because("changed_since_shown", alert=identity))
        given["seen"] = now
    act.made(identity, given).done_by(officer)
    _ = words_of(language).gettext
    done = _("✅ Validated by you: %(what)s") if act.decides else _("✅ Done: %(what)s")
    return done % {"what": what}


def rejected(officer: Officer, identity: str, reason: str, language: str) -> str:
    """Reject what has that id for a reason, and say so. Raises TocsinError."""
    act = deciding(officer.unit, "reject", identity)
    if act is None:
        raise Misuse(because("nothing_heard_so", name=identity))
    what = safe(act(identity).title(officer.unit))
    keys = {each.key for each in fields_of(act)}
    act.made(identity, {"reason": reason} if "reason" in keys else {}).done_by(officer)
    return words_of(language).gettext("❌ Rejected by you (%(why)s): %(what)s", why=safe(reason), what=what)


def poll_review(lead: str, poll: Poll, language: str, zone: tzinfo) -> Say:
    """A poll that waits, in full: what is asked, where and from when until when; then the buttons bound to that."""
    times = " – ".join(moment(each, zone, language) for each in (poll.opens_at, poll.closes_at))
    shown = [lead, *(f"• {option}" for option in poll.options), ", ".join(poll.channels), times]
    return Say(safe("\n".join(shown)), _decision(ApprovePoll(poll.id), shown_of(poll), language))


def answer_review(lead: str, version: GivenAnswer, headline: str, language: str) -> Say:
    """An officer's own words that wait, in full; then the buttons.

    What is told to those who ask later, or where nobody asked, is validated at the desk, which says so; and so is an
    answer to a report, whose words belong to whoever reported.
    """
    if version.to is AnswerTo.REPORT or version.next_ones or version.everywhere:
        return Say(safe(lead))
    shown = [lead, *filter(None, (headline, version.asked)), version.text]
    text = safe("\n".join(dict.fromkeys(shown)))
    if length_of(text) > LONGEST_TEXT:
        return Say(safe(lead))
    return Say(text, _decision(ApproveAnswer(version.id), digest_of(version), language))


def _decision(approve: OfficerAct, fingerprint: str, language: str) -> Keyboard:
    _ = words_of(language).gettext
    return buttons([(_("✅ Validate"), data_of(approve, fingerprint)), (_("❌ Reject"), f"no:{approve.id}:-")])
