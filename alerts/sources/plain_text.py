"""The words of a text that may hold HTML, as calendars and news feeds send it: untrusted, and shown to people."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape

LONGEST_TEXT = 20_000
"""So many characters of a text are read; no channel can show as many."""

# Nothing in it ever tries a character again ("++"), and only a comment goes on past the next "<": what never ends costs
# no more than what does. A comment without an end reaches to the end of the text, as in a browser.
_MARKUP = re.compile(
    r"""<!--.*?(?:-->|\Z)
    | <(?P<end>/?)(?P<tag>[a-z][^\s<>/]*+)(?:(?:[^<>"']|"[^"<]*+"|'[^'<]*+')*+>|[^<>]*+>)
    | <[!?][^<>]*+>""",
    re.DOTALL | re.IGNORECASE | re.VERBOSE,
)
_ENTITY = re.compile(r"&(?:[a-zA-Z][a-zA-Z0-9]{1,31}|#\d{1,7}|#[xX][0-9a-fA-F]{1,6});")
_BLOCKS = frozenset({"p", "br", "div", "li", "ul", "ol", "tr", "table", "h1", "h2", "h3", "h4", "h5", "h6", "hr"})
_UNSEEN = frozenset({"script", "style", "head", "title", "template"})


def plain_text(text: str) -> str:
    """`text` without tags and entities, a line break for each block, no more than one empty line in a row.

    Only its first LONGEST_TEXT characters; what is no tag is text, whatever it looks like.
    """
    words = "".join(_words(text[:LONGEST_TEXT]))
    lines = [" ".join(line.split()) for line in words.splitlines()]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _words(text: str) -> Iterator[str]:
    """What a browser would show, piece by piece."""
    place = unseen = 0
    for markup in _MARKUP.finditer(text):
        if not unseen:
            yield _unescape(text[place : markup.start()])
        place = markup.end()
        tag, is_end = (markup["tag"] or "").lower(), bool(markup["end"])
        if tag in _UNSEEN:
            unseen = max(0, unseen + (-1 if is_end else 1))
        elif tag in _BLOCKS:
            yield _break(tag, is_end=is_end)
    if not unseen:
        yield _unescape(text[place:])


def _unescape(text: str) -> str:
    """With the characters for the entities that end as they should: the rest may be an address (`?a=1&copy=2`)."""
    return _ENTITY.sub(lambda entity: unescape(entity[0]), text)


def _break(tag: str, *, is_end: bool) -> str:
    if tag == "li":
        return "" if is_end else "\n• "
    return "" if is_end and tag in ("br", "hr") else "\n"
