"""A post's words on a screen: the coloured parts, and the point where the platform folds them away.

A preview should resemble the post. `pieces` takes a post's text apart into runs of one style: plain words, links, tags,
and the bold parts of Telegram's HTML or an e-mail. `folded` cuts a text where a telephone would put "See more" or an
ellipsis, and keeps the rest: an officer reads both.

No platform documents where it folds, and it differs between telephones, so these are approximations, and described as
such:

- Facebook folds a Page's post on a computer after some 477 characters, on a telephone after a few lines, 125 to 300
  characters by who measured (socialk.it "Facebook character counter", boldlytype.com "Facebook post character limit",
  bulkpublish.com "Facebook character limit", all read in 2026). Here: five lines of 45.
- A lock screen shows one line of the title, and of the body four lines on an iPhone (180 characters at most) and one to
  four on Android (Batch, "What is the optimal length for every iOS/Android push notification?", which advises 30 and
  140). Here: 40 characters, and four lines of 30.
- A list of e-mails shows some 60 characters of a subject and 90 of the words (emailonacid.com, "How long should
  preheader text be?": 30 to 80 on telephones, 40 to 120 elsewhere).
- X folds nothing that fits its 280, and Telegram nothing.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Literal

from alerts.rendering.counting import spans

Tone = Literal["plain", "strong", "link", "tag"]


@dataclass(frozen=True, slots=True)
class StyledText:
    """Some of a text that a platform shows in one way."""

    tone: Tone
    text: str


@dataclass(frozen=True, slots=True)
class Fold:
    """How much is seen at first: so many lines of so many characters."""

    lines: int
    width: int


# The folds described above: lines, and characters in one.
FACEBOOK = Fold(5, 45)
INSTAGRAM = Fold(3, 45)
LOCK_TITLE, LOCK_BODY = Fold(1, 40), Fold(4, 30)
INBOX_SUBJECT, INBOX_WORDS = Fold(1, 60), Fold(1, 90)

# X shows about thirty characters of an address.
_LONGEST_LINK = 30
_BOLD = frozenset(("b", "strong", "h1", "h2", "h3"))
_TAG = re.compile(r"(?<![\w&])[#＃]\w*[^\W\d_]\w*")


def pieces(text: str, markup: str = "plain", link: str | None = None) -> tuple[StyledText, ...]:
    """A text in the markup of its channel, taken apart in the order of reading; `link` is the post's own address."""
    parts = _bold(text) if markup == "html" else [StyledText("plain", text)]
    return tuple(piece for part in parts for piece in _coloured(part, link))


def folded(text: str, fold: Fold) -> tuple[str, str]:
    """Return the visible part of a text and the rest; only a blank or a line break between them is lost.

    A line is cut at a word, as screens do.
    """
    room, seen = fold.lines, 0
    for line in text.splitlines(keepends=True):
        rows = textwrap.wrap(line, fold.width, break_on_hyphens=False) or [""]
        if len(rows) > room:
            last = _end_of(line, rows[:room]) if room else 0
            return text[: seen + last].rstrip(), text[seen + last :].lstrip(" \n")
        room -= len(rows)
        seen += len(line)
    return text, ""


def _end_of(line: str, rows: list[str]) -> int:
    """Where these rows end in their line: wrapping drops blanks, and nothing else."""
    place = 0
    for character in "".join("".join(rows).split()):
        place = line.index(character, place) + 1
    return place


def short_link(address: str) -> str:
    """An address as X shows it: without its protocol, and no longer than some thirty characters."""
    bare = re.sub(r"^https?://(www\.)?", "", address)
    return bare if len(bare) <= _LONGEST_LINK else f"{bare[: _LONGEST_LINK - 1]}…"


def _coloured(part: StyledText, link: str | None) -> Iterator[StyledText]:
    """Yield a part split at the platform's links and tags."""
    found = [(start, end, "link") for start, end in spans(part.text)]
    # An address of a domain that is none yet is told all the same.
    if link and (place := part.text.find(link)) >= 0 and not any(start <= place < end for start, end, _ in found):
        found.append((place, place + len(link), "link"))
    found += [
        (match.start(), match.end(), "tag")
        for match in _TAG.finditer(part.text)
        if not any(start <= match.start() < end for start, end, _ in found)
    ]
    place = 0
    for start, end, tone in sorted(found):
        if start > place:
            yield StyledText(part.tone, part.text[place:start])
        yield StyledText("link" if tone == "link" else "tag", part.text[start:end])
        place = end
    if place < len(part.text):
        yield StyledText(part.tone, part.text[place:])


class _Bold(HTMLParser):
    """Finds the bold parts of our own templates' HTML; every other tag leaves its words unchanged."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[StyledText] = []
        self._depth = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        """Bold begins."""
        self._depth += tag in _BOLD

    def handle_endtag(self, tag: str) -> None:
        """Bold ends."""
        self._depth -= tag in _BOLD

    def handle_data(self, data: str) -> None:
        """Some words."""
        self.parts.append(StyledText("strong" if self._depth > 0 else "plain", data))


def _bold(text: str) -> list[StyledText]:
    reader = _Bold()
    reader.feed(text)
    reader.close()
    return reader.parts
