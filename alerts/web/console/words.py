"""What the desk's pages say, in the reader's language, and what the audit log says of an account.

An entry of the audit log is chained to the one before by its bytes, so its detail is kept in one language for ever;
`detail_in_words` tells it in the reader's.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from alerts.model.person import Role
from alerts.rendering.i18n import Words, read_words
from alerts.web.pages import best_of, languages_in

__all__ = ["Words", "best_language", "languages", "words_of"]

FOLDER = Path(__file__).with_name("locale")


def words_of(language: str) -> Words:
    """The sentences of a language."""
    return read_words(FOLDER, language)


def languages() -> tuple[str, ...]:
    """What the desk can be read in."""
    return languages_in(FOLDER)


def best_language(accepted: str | None, station: str) -> str:
    """The language for a browser that accepts these."""
    return best_of(languages(), accepted, station)


_CHANGED = re.compile(r"(\w+) to (\w+)")
_REMOVED = re.compile(r"(\d+) second factors removed")
_FAILED = re.compile(r"(?:(?P<how>by .+), after )?(?P<n>\d+) failed attempts since (?P<since>[-\d]+ [:\d]+ UTC)")
_PASSKEY = "by passkey "

Gettext = Callable[..., str]


def detail_in_words(detail: str, words: Words) -> str:
    """The detail of an entry; what somebody wrote, or called a thing, stays as it is."""
    _ = words.gettext
    if failed := _FAILED.fullmatch(detail):
        since, count = failed["since"], int(failed["n"])
        told = words.ngettext(
            "%(n)s failed attempt since %(time)s", "%(n)s failed attempts since %(time)s", count, time=since
        )
        return f"{_how(failed['how'], _)}, {told}" if failed["how"] else told
    if removed := _REMOVED.fullmatch(detail):
        return words.ngettext("%(n)s second factor removed", "%(n)s second factors removed", int(removed[1]))
    roles = _roles(_)
    if (changed := _CHANGED.fullmatch(detail)) and changed[1] in roles and changed[2] in roles:
        return f"{roles[changed[1]]} → {roles[changed[2]]}"
    if validated := _validation(detail, _):
        return validated
    return roles.get(detail) or _how(detail, _)


def _how(detail: str, _: Gettext) -> str:
    """How somebody signed in."""
    if detail.startswith(_PASSKEY):
        return _("by passkey %(name)s", name=detail.removeprefix(_PASSKEY))
    known = {
        "by password": _("by password"),
        "by code": _("by code"),
        "by a factor that was set up": _("by a factor that was set up"),
        "the browser's": _("the browser's"),
    }
    return known.get(detail, detail)


def _validation(detail: str, _: Gettext) -> str | None:
    """What was validated, by what it was named, and whether nobody else looked; None for anything else."""
    alone, by_id = _("alone"), _("by its id")
    what = detail.removesuffix(", alone")
    bare = what.removesuffix(" [by its id]")
    if bare == detail:
        return None
    return f"{bare if bare == what else f'{bare} [{by_id}]'}{'' if what == detail else f', {alone}'}"


def _roles(_: Gettext) -> dict[str, str]:
    return {
        Role.VIEWER.value: _("viewer"),
        Role.AUTHOR.value: _("author"),
        Role.APPROVER.value: _("approver"),
        Role.ADMINISTRATOR.value: _("administrator"),
        Role.OPERATOR.value: _("operator"),
    }
