"""The words of the desk's pages, in the reader's language, and the audit log's about an account.

An entry of the audit log is chained to the one before by its bytes, so its detail is stored in one language for ever;
`detail_in_words` translates it for the reader.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from babel.numbers import format_decimal
from markupsafe import Markup, escape

from alerts.model.person import Role
from alerts.rendering.i18n import Words, read_words
from alerts.web.pages import best_of, languages_in

__all__ = ["Words", "best_language", "languages", "money", "words_of"]

FOLDER = Path(__file__).with_name("locale")


def words_of(language: str) -> Words:
    """The sentences of a language."""
    return read_words(FOLDER, language)


def languages() -> tuple[str, ...]:
    """Return the languages of the desk."""
    return languages_in(FOLDER)


def best_language(accepted: str | None, station: str) -> str:
    """The language for a browser that accepts these."""
    return best_of(languages(), accepted, station)


def money(euros: float, language: str) -> str:
    """An amount in the reader's number format: "12.50 €", "12,50 €"."""
    return f"{format_decimal(euros, '#,##0.00', locale=language)}\u00a0€"


# The audit log's details are stored in English; these recognise the ones with values in them.
_CHANGED = re.compile(r"(\w+) to (\w+)")
_REMOVED = re.compile(r"(\d+) second factors removed")
_FAILED = re.compile(r"(?:(?P<how>by .+), after )?(?P<n>\d+) failed attempts since (?P<since>[-\d]+ [:\d]+ UTC)")
_FILED = re.compile(r"(Actual|Exercise) (.*)", re.DOTALL)
_OVER = ", over the town's own limit"
_PASSKEY, _ALONE = "by passkey ", "by a passkey alone: "

# A SHA-256 is shortened on the page, and whole in its title.
_DIGEST = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{52}\b")

Gettext = Callable[..., str]


def briefly(text: str) -> Markup:
    """The text, each SHA-256 in it by its first twelve digits, and whole where one points at it."""
    return Markup(_DIGEST.sub(r'<abbr class="mono" title="\g<0>">\1…</abbr>', str(escape(text))))  # noqa: S704 escaped


def detail_in_words(detail: str, words: Words) -> str:
    """The detail of an entry; what somebody wrote, or called a thing, stays as it is."""
    _ = words.gettext
    if (sent := detail.removesuffix(_OVER)) != detail:
        return _("%(channels)s, over the town’s own limit", channels=sent)
    if failed := _FAILED.fullmatch(detail):
        since, count = failed["since"], int(failed["n"])
        found = words.ngettext(
            "%(n)s failed attempt since %(time)s", "%(n)s failed attempts since %(time)s", count, time=since
        )
        return f"{_how(failed['how'], _)}, {found}" if failed["how"] else found
    if removed := _REMOVED.fullmatch(detail):
        return words.ngettext("%(n)s second factor removed", "%(n)s second factors removed", int(removed[1]))
    if filed := _FILED.fullmatch(detail):
        return filed[2] if filed[1] == "Actual" else _("EXERCISE: %(headline)s", headline=filed[2])
    roles = {
        Role.REPORTER.value: _("reporter"),
        Role.VIEWER.value: _("viewer"),
        Role.AUTHOR.value: _("author"),
        Role.APPROVER.value: _("approver"),
        Role.ADMINISTRATOR.value: _("administrator"),
        Role.OPERATOR.value: _("operator"),
    }
    if (changed := _CHANGED.fullmatch(detail)) and changed[1] in roles and changed[2] in roles:
        return f"{roles[changed[1]]} → {roles[changed[2]]}"
    if validated := _validation(detail, _):
        return validated
    return roles.get(detail) or _about_what_is_said(detail, _) or _about_reports(detail, _) or _how(detail, _)


def _how(detail: str, _: Gettext) -> str:
    """How somebody signed in."""
    if detail.startswith(_PASSKEY):
        return _("by passkey %(name)s", name=detail.removeprefix(_PASSKEY))
    if detail.startswith(_ALONE):
        return _("without a password, by passkey %(name)s", name=detail.removeprefix(_ALONE))
    known = {
        "by password": _("by password"),
        "by code": _("by code"),
        "by a factor that was set up": _("by a factor that was set up"),
        "the browser's": _("the browser's"),
    }
    return known.get(detail, detail)


def _validation(detail: str, _: Gettext) -> str | None:
    """Return a validation's words: its subject, by which name, and if nobody else reviewed it; None for others."""
    alone, by_id = _("without a second person"), _("by its id")
    what = detail.removesuffix(", alone")
    bare = what.removesuffix(" [by its id]")
    if bare == detail:
        return None
    return f"{bare if bare == what else f'{bare} [{by_id}]'}{'' if what == detail else f', {alone}'}"


# What officers do about what people say (`alerts.listening`), as it is kept: its beginning, and what follows it.
_SAID = re.compile(
    r"(?P<id>\w{8,26} )?(?P<what>heard|kind|about|took up|split off|worded|dismissed:|v\d+:|rejected:|"
    r"replaced:|withdrawn:|asks:|"
    r"what came of it:|(?:hide|delete|block)(?: agreed| refused)?:) (?P<rest>.*)"
)
_IN_TIME = re.compile(r"(\d+) in time")


def _about_what_is_said(detail: str, _: Gettext) -> str | None:
    """Return the words of an act on a remark; None for others. Texts and names of people stay as they are."""
    whole = {
        "handled": _("dealt with"),
        "passed on to the emergency services": _("passed on to the emergency services"),
        "closes it before its time": _("closes it before its time"),
        "publishes the result": _("publishes the result"),
    }
    if detail in whole:
        return whole[detail]
    if count := _IN_TIME.fullmatch(detail):
        return _("%(n)s in time", n=count[1])
    found = _SAID.fullmatch(detail)
    if found is None:
        return None
    known = {
        "heard": _("heard"),
        "kind": _("kind:"),
        "about": _("About:"),
        "took up": _("took up"),
        "split off": _("split off"),
        "worded": _("in these words:"),
        "dismissed:": _("dismissed:"),
        "rejected:": _("rejected:"),
        "replaced:": _("replaced by"),
        "withdrawn:": _("withdrawn:"),
        "asks:": _("asks:"),
        "what came of it:": _("what came of it:"),
        "hide:": _("hide:"),
        "delete:": _("delete:"),
        "block:": _("block:"),
        "block agreed:": _("block, agreed:"),
        "block refused:": _("block, refused:"),
    }
    rest = {**_kinds(_), **_clauses(_)}.get(found["rest"], found["rest"])
    return f"{found['id'] or ''}{known.get(found['what'], found['what'])} {rest}".rstrip()


# What officers do about citizens' reports (`alerts.reports.report_acts`), as it is kept.
_REPORTED = re.compile(
    r"(?P<what>report(?:'s photo)? (?:accepted|added|erased|shown again|withheld|set aside|released|blurred|taken back|"
    r"assigned to|duplicates|about|closed, (?P<closing>[a-z ]+))|notice upheld|notice dismissed|handed on again)"
    r"(?P<rest>:? .*)?"
)


def _about_reports(detail: str, _: Gettext) -> str | None:
    """Return the words of an act on a citizen's report; None for others. Texts of people stay as they are."""
    found = _REPORTED.fullmatch(detail)
    if found is None:
        return None
    known = {
        "report accepted": _("report taken up"),
        "report added": _("report noted"),
        "report erased": _("report erased"),
        "report shown again": _("report shown again"),
        "report withheld": _("report withheld"),
        "report set aside": _("report set aside"),
        "report's photo released": _("report’s photo shown"),
        "report's photo blurred": _("report’s photo blurred"),
        "report's photo taken back": _("report’s photo taken back"),
        "report assigned to": _("report assigned to"),
        "report duplicates": _("report the same as"),
        "report about": _("report belongs to"),
        "notice upheld": _("notice upheld"),
        "notice dismissed": _("notice dismissed"),
        "handed on again": _("handed on again to"),
    }
    what = (
        _("report ended, %(how)s", how=_closings(_).get(found["closing"], found["closing"])) if found["closing"] else ""
    )
    rest = (found["rest"] or "").removeprefix(":").strip()
    if not rest:
        return what or known.get(found["what"], found["what"])
    subject = what or known.get(found["what"], found["what"])
    return f"{subject} {rest}" if found["what"] in _LEADING else f"{subject}{_(': ')}{rest}"


_LEADING = ("report assigned to", "report duplicates", "report about", "handed on again")
"""Details followed by a name rather than by somebody's words."""


def _closings(_: Gettext) -> dict[str, str]:
    return {
        "done": _("done"),
        "not ours": _("not for the town to deal with"),
        "duplicate": _("the same as another one"),
        "not found": _("not found there"),
    }


def _kinds(_: Gettext) -> dict[str, str]:
    return {
        "question": _("question"),
        "thanks": _("thanks"),
        "anger": _("anger"),
        "rumour": _("rumour"),
        "help": _("possibly a call for help"),
        "other": _("other"),
    }


def _clauses(_: Gettext) -> dict[str, str]:
    return {
        "insult": _("insults"),
        "hatred": _("hatred"),
        "personal": _("personal data of others"),
        "advertising": _("advertising"),
        "danger": _("it endangers people"),
    }
