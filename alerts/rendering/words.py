"""Sentences in the reader's language: English in the code, other languages in `locale/<language>/*.po` beside it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import tzinfo
from functools import cache
from pathlib import Path

from babel.messages.pofile import read_po

from alerts.model.reason import Reason

SOURCE = "en"


class Words:
    """The sentences of one language; a sentence that isn't translated stays English."""

    def __init__(self, language: str, sentences: Mapping[str, str | tuple[str, ...]]) -> None:
        self.language = language
        self._sentences = sentences

    def gettext(self, sentence: str, /, **values: object) -> str:
        """The sentence, with `%(name)s` filled in."""
        found = self._sentences.get(sentence)
        text = found if isinstance(found, str) and found else sentence
        return text % values if values else text

    def ngettext(self, one: str, many: str, number: int, /, **values: object) -> str:
        """The sentence for so many; `%(n)s` is the number. In French, none is one."""
        few = number <= 1 if self.language == "fr" else number == 1
        found = self._sentences.get(one)
        forms = found if isinstance(found, tuple) and all(found) else (one, many)
        return (forms[0] if few else forms[-1]) % {"n": number, **values}


@cache
def read_words(folder: Path, language: str, *others: Path) -> Words:
    """The sentences of a language (its primary subtag) below `folder`, and of `others` what it hasn't; read once."""
    sentences: dict[str, str | tuple[str, ...]] = {}
    for file in (file for each in (*others, folder) for file in sorted((each / language).glob("*.po"))):
        with file.open("rb") as lines:
            for message in read_po(lines, locale=language):
                if message.id and message.string and not message.fuzzy:
                    key = message.id if isinstance(message.id, str) else message.id[0]
                    sentences[key] = message.string if isinstance(message.string, str) else tuple(message.string)
    return Words(language, sentences)


LOCALE = Path(__file__).with_name("locale")


def words_in(language: str) -> Words:
    """The sentences of reasons and notices, in the language of a tag such as `fr-FR`."""
    return read_words(LOCALE, language.lower().split("-", 1)[0])


def word(reason: Reason, language: str, zone: tzinfo | None = None) -> str:
    """A reason in the language of a tag such as `fr-FR`; times are in `zone`, or in their own."""
    return reason.worded(words_in(language).gettext, zone)


def sentence(reason: Reason, language: str, zone: tzinfo | None = None) -> str:
    """A reason as a sentence of its own: a capital first, a sign last."""
    said = word(reason, language, zone)
    return f"{said[:1].upper()}{said[1:]}{'' if said.endswith(('.', '!', '?', ':')) else '.'}"


def told(reason: Reason | None, language: str, zone: tzinfo | None = None) -> dict[str, str | None]:
    """`reason` in words and `reason_code`, as every JSON object has them; both null where there is none."""
    if reason is None:
        return {"reason": None, "reason_code": None}
    return {"reason": word(reason, language, zone), "reason_code": reason.code}
