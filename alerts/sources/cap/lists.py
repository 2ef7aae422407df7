"""What CAP writes as a list in one text (CAP 1.2 section 3.2.1): references, addresses, incidents."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_QUOTED = re.compile(r'"([^"]*)"|(\S+)')
_TIME = re.compile(r"\d{4}-\d\d-\d\dT[^\s,]+")


def split_triples(text: str) -> Iterator[tuple[str, str, str]]:
    """The `sender,identifier,sent` of each reference; blanks within a sender or after a comma are no end of one.

    What is left over at the end comes without a sender.
    """
    words: list[str] = []
    for word in text.split():
        words.append(word)
        if _TIME.fullmatch(word.rpartition(",")[2]):
            names, _, time = " ".join(words).rpartition(",")
            sender, _, identifier = names.partition(",")
            yield sender.strip(), identifier.strip(), time.strip()
            words.clear()
    if words:
        yield "", " ".join(words), ""


def split_words(texts: Iterable[str]) -> tuple[str, ...]:
    """Blank-separated words; one that holds blanks stands in double quotes."""
    matches = (match for text in texts for match in _QUOTED.finditer(text))
    return tuple(word for match in matches if (word := match[1] or match[2]))
