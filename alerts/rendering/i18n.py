"""Sentences in the reader's language: English in the code, other languages in `locale/<language>/*.po` next to it.

Reasons have their English in the French catalogue alone (`alerts.model.reason`).

The English sentence is the key. `read_words` reads the catalogues of a language once, and each with its own plural
rule: that of its `Plural-Forms` header, else Babel's for the language. A language therefore has as many forms as it
needs (Breton five, by the last digits of the number), and none of them is built in. A sentence without a translation,
or whose plural lacks a form, stays English: that serves a reader better than a gap.

A `Reason` is a code with values; `word`, `sentence` and `reason_json` put it into words.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import tzinfo
from functools import cache
from gettext import c2py
from pathlib import Path

from alerts.model.catalogue import LOCALE, read_catalogue
from alerts.model.reason import Reason

SOURCE = "en"
# gettext's header: the number of forms, and a C expression that selects one.
_PLURAL_FORMS = re.compile(r"^Plural-Forms: *nplurals *= *(\d+) *; *plural *= *([^;\n]+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Plural:
    """The forms of one sentence, and which of them a number takes."""

    forms: tuple[str, ...]
    form_of: Callable[[int], int]

    def said_of(self, number: int) -> str:
        """The form for so many."""
        return self.forms[self.form_of(number)]


class Words:
    """The sentences of one language; a sentence that isn't translated stays English."""

    def __init__(self, language: str, sentences: Mapping[str, str | Plural]) -> None:
        self.language = language
        self._sentences = sentences

    def gettext(self, sentence: str, /, **values: object) -> str:
        """The sentence, with `%(name)s` filled in."""
        found = self._sentences.get(sentence)
        text = found if isinstance(found, str) else sentence
        return text % values if values else text

    def ngettext(self, one: str, many: str, number: int, /, **values: object) -> str:
        """The sentence for so many; `%(n)s` is the number."""
        found = self._sentences.get(one)
        text = found.said_of(number) if isinstance(found, Plural) else one if number == 1 else many
        return text % {"n": number, **values}


@cache
def read_words(folder: Path, language: str, *others: Path) -> Words:
    """The sentences of a language (its primary subtag) below `folder`, and of `others` what it hasn't; read once."""
    sentences: dict[str, str | Plural] = {}
    for file in (file for each in (*others, folder) for file in sorted((each / language).glob("*.po"))):
        sentences.update(_read_sentences(file, language))
    return Words(language, sentences)


def _read_sentences(file: Path, language: str) -> dict[str, str | Plural]:
    header = ""
    read: dict[str, str | Plural] = {}
    for message in read_catalogue(file):
        if not message.sentence:
            header = message.forms[0]
        elif message.fuzzy or message.sentence in read:
            continue
        elif not message.plural:
            read |= {message.sentence: message.forms[0]} if message.forms[0] else {}
        else:
            count, form_of = _plural_rule(header, language)
            # One missing form would be a gap for some numbers alone.
            if len(message.forms) == count and all(message.forms):
                read[message.sentence] = Plural(message.forms, form_of)
    return read


@cache
def _plural_rule(header: str, language: str) -> tuple[int, Callable[[int], int]]:
    found = _PLURAL_FORMS.search(header)
    if found is None:
        # Half of Babel is loaded for this: each catalogue of ours that counts something says how.
        from babel.messages.plurals import get_plural  # noqa: PLC0415

        rule = get_plural(language)
        return rule.num_plurals, c2py(rule.plural_expr)
    return int(found[1]), c2py(found[2])


def primary(tag: str) -> str:
    """The language of a tag such as `fr-FR`, as catalogues and pages are named by it."""
    return tag.lower().split("-", 1)[0]


def words_in(language: str) -> Words:
    """The sentences of reasons and notices, in the language of a tag such as `fr-FR`."""
    return read_words(LOCALE, primary(language))


def word(reason: Reason, language: str, zone: tzinfo | None = None) -> str:
    """A reason in the language of a tag such as `fr-FR`; times are in `zone`, or in their own."""
    return reason.worded(words_in(language).gettext, zone)


def sentence(reason: Reason, language: str, zone: tzinfo | None = None) -> str:
    """A reason as a sentence of its own: a capital first, a sign last."""
    said = word(reason, language, zone)
    return f"{said[:1].upper()}{said[1:]}{'' if said.endswith(('.', '!', '?', ':')) else '.'}"


def reason_json(reason: Reason | None, language: str, zone: tzinfo | None = None) -> dict[str, str | None]:
    """`reason` in words and `reason_code`, as every JSON object has them; both null where there is none."""
    if reason is None:
        return {"reason": None, "reason_code": None}
    return {"reason": word(reason, language, zone), "reason_code": reason.code}
