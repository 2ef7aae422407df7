"""The five things that a warning has to say; what is missing is told with its reason, and nothing is held up by it.

Who says it, what happens, where and until when, what to do, where to learn more: the elements of a warning that people
act on (D. S. Mileti and J. H. Sorensen, "Communication of Emergency Public Warnings", ORNL-6609, 1990).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from alerts.model.alert import Severity
from alerts.rendering.plain import blanks, is_filler, orders, permits, shouts

_LONG_HEADLINE = 110
_SHOUTED = 0.6


@dataclass(frozen=True, slots=True)
class Said:
    """What is looked at. `signed` and `linked` are whether every post tells its sender, and one leads to a page.

    `own_end` says that an end was told rather than assumed, `needs_a_place` that it is an order for some people alone.
    `other_order` is what is prepared for its severity, where the order prepared for another one stands.
    """

    station: str
    headline: str
    place: str
    whole: bool
    unplaced: bool
    until: str
    own_end: bool
    instruction: str
    severity: Severity
    signed: bool
    linked: bool
    description: str = ""
    needs_a_place: bool = False
    other_order: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """One element: its name, whether it is told well, and why not, or what is told."""

    name: str
    good: bool
    words: str


def checklist(said: Said, _: Callable[..., str]) -> tuple[Check, ...]:
    """The five elements, in the order of reading."""
    return (
        _who(said, _),
        _what(said, _),
        _where_and_when(said, _),
        _what_to_do(said, _),
        _where_to_learn_more(said, _),
    )


def _who(said: Said, _: Callable[..., str]) -> Check:
    if said.signed:
        return Check(_("Who says it"), good=True, words=said.station)
    return Check(_("Who says it"), good=False, words=_("A channel has no room for the sender: shorten the text."))


def _what(said: Said, _: Callable[..., str]) -> Check:
    name, letters = _("What happens"), [c for c in said.headline if c.isalpha()]
    if not said.headline:
        return Check(name, good=False, words=_("Nothing says what happens."))
    if left := blanks(said.headline) or blanks(said.description):
        return Check(name, good=False, words=_("Fill in %(blanks)s first.", blanks=", ".join(left)))
    if loud := next(filter(None, map(shouts, (said.headline, said.description, said.instruction))), ""):
        return Check(
            name, good=False, words=_("“%(words)s” shouts: say it calmly, and the gravity by its level.", words=loud)
        )
    if permits(said.description):
        return Check(name, good=False, words=_("It says that people are free again: only an all clear may."))
    if len(said.headline) > _LONG_HEADLINE:
        return Check(name, good=False, words=_("The headline is long: say it in fewer words, the rest belongs below."))
    if len(letters) > 12 and sum(c.isupper() for c in letters) > _SHOUTED * len(letters):
        return Check(name, good=False, words=_("Capitals are hard to read, and screen readers may spell them out."))
    return Check(name, good=True, words=said.headline)


def _where_and_when(said: Said, _: Callable[..., str]) -> Check:
    name = _("Where and until when")
    if not said.until:
        return Check(name, good=False, words=_("It isn’t clear yet where and until when."))
    place = said.place[:1].upper() + said.place[1:]
    told = _("%(place)s, until %(until)s", place=place, until=said.until)
    if said.whole and said.needs_a_place:
        return Check(name, good=False, words=_("Say where: an order such as this must say for whom it is."))
    if not said.own_end:
        return Check(name, good=False, words=_("%(told)s: no end was told, so twelve hours are taken.", told=told))
    if said.unplaced:
        words = _("%(told)s. In which district is that? Without one the map shows no outline.", told=told)
        return Check(name, good=False, words=words)
    if said.whole:
        return Check(
            name,
            good=False,
            words=_(
                "No place is told, and people read none: until %(until)s, for everybody. Say where.", until=said.until
            ),
        )
    return Check(name, good=True, words=told)


def _what_to_do(said: Said, _: Callable[..., str]) -> Check:
    name = _("What to do")
    if left := blanks(said.instruction):
        return Check(name, good=False, words=_("Fill in %(blanks)s first.", blanks=", ".join(left)))
    if is_filler(said.instruction):
        return Check(name, good=False, words=_("Say what to do: to be careful is no instruction."))
    if permits(said.instruction):
        return Check(name, good=False, words=_("It says that people are free again: only an all clear may."))
    if said.instruction and not orders(said.instruction):
        return Check(name, good=False, words=_("It orders nothing: begin with the verb (“Stay …”, “Don’t drive …”)."))
    if said.other_order:
        words = _("This order is the one for another severity. For this one: “%(order)s”", order=said.other_order)
        return Check(name, good=False, words=words)
    if said.instruction:
        return Check(name, good=True, words=said.instruction)
    if said.severity is Severity.MINOR:
        return Check(name, good=True, words=_("Nothing has to be done."))
    return Check(name, good=False, words=_("Nothing says what people are to do."))


def _where_to_learn_more(said: Said, _: Callable[..., str]) -> Check:
    name = _("Where to learn more")
    if said.linked:
        return Check(name, good=True, words=_("A link leads to the page of the alert."))
    return Check(name, good=False, words=_("No post has a link: give the address of a page that tells more."))
