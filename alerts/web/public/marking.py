"""Words in another language than the page's, marked for those who have it read aloud (WCAG 2.2, 3.1.2)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from markupsafe import Markup, escape

from alerts.listening.answering import FaqEntry


def spoken(entry: FaqEntry, language: str) -> Markup:
    """The attribute of an element that holds an answer in another language than the page's."""
    is_own = entry.language.split("-", maxsplit=1)[0].lower() == language
    return Markup() if is_own else Markup(' lang="{}"').format(entry.language)


def tongue(facts: Mapping[str, Any], is_own: object = True) -> Markup:
    """The attribute of an element that holds an alert's own words; nothing where they are in the page's language.

    `is_own` is empty where the words are ours, not the alert's: a prepared instruction, say.
    """
    if not facts["foreign"] or not is_own:
        return Markup()
    return Markup(' lang="{}"').format(facts["info"].language)


def marked(text: str, facts: Mapping[str, Any]) -> Markup:
    """A text of ours with the alert's own headline in it, that one marked where it is in another language."""
    own = (facts["headline"] or facts["event"]).removesuffix(".")
    found = re.search(re.escape(own), text, re.IGNORECASE) if facts["foreign"] and own else None
    if found is None:
        return escape(text)
    before, said, after = text[: found.start()], found.group(), text[found.end() :]
    return escape(before) + Markup("<span{}>{}</span>").format(tongue(facts), said) + escape(after)
