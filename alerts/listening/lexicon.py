"""Reduces texts to plain words, and reads the lists by which those are understood (`words.toml`).

People write to a town in a hurry: `kan`, `svp`, no accents, no punctuation. `plain` reduces every spelling to the same
words, and the lists are searched for in those. The lists are read once, for the first text.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from alerts.model.bounds import normal

LISTS = Path(__file__).with_name("words.toml")
LONGEST = 2000
"""Characters of an utterance that are read; the rest is skipped, however much a stranger writes."""
SHORT_FORMS: Mapping[str, str] = {
    "kan": "quand",
    "qd": "quand",
    "koi": "quoi",
    "ke": "que",
    "ki": "qui",
    "c": "c est",
    "ct": "c etait",
    "g": "j ai",
    "jai": "j ai",
    "ya": "il y a",
    "yaura": "il y aura",
    "qq1": "quelqu un",
    "qqun": "quelqu un",
    "qqn": "quelqu un",
    "qq": "quelque",
    "qqpart": "quelque part",
    "pb": "probleme",
    "tel": "telephone",
    "bcp": "beaucoup",
    "mci": "merci",
    "pk": "pourquoi",
    "pq": "pourquoi",
    "ds": "dans",
    "pr": "pour",
    "ns": "nous",
    "vs": "vous",
    "tt": "tout",
    "tjs": "toujours",
    "tjrs": "toujours",
    "auj": "aujourd hui",
    "rdv": "rendez vous",
    "cest": "c est",
    "u": "you",
    "pls": "please",
    "plz": "please",
    "thx": "thanks",
    "im": "i m",
    "cant": "can t",
}
"""Short forms of text messages, spelled out."""

_LINK = re.compile(r"https?://\S+|www\.\S+|[@#](?=\w)|\S+@\S+")
_WORD = re.compile(r"[a-z0-9]+")
# `c'est` is split into `c` and `est`; `c` is then expanded as a short form, and an `est` is one too many.
_DOUBLED_EST = re.compile(r"\bc est (?=est\b|etait\b)")
# Letters repeated for emphasis, as in "heeelp".
_DRAWN_OUT = re.compile(r"([a-z])\1{2,}")


def plain(text: str) -> str:
    """Return the text's words in small letters, without accents, punctuation and links, separated by single spaces.

    Short forms are spelled out, and a letter repeated for emphasis is written twice. `où` (where) becomes `ouu`, which
    distinguishes it from `ou` (or): without accents people write both alike, so an accent is the best hint there is.
    """
    return _plain(text[:LONGEST])


@lru_cache(maxsize=512)
def _plain(text: str) -> str:
    lowered = _LINK.sub(" ", text.lower().replace("œ", "oe")).replace("où", "ouu")
    bare = "".join(sign for sign in normal("NFKD", lowered) if not unicodedata.combining(sign))
    words = _WORD.findall(_DRAWN_OUT.sub(r"\1\1", bare))
    return _DOUBLED_EST.sub("c ", " ".join(SHORT_FORMS.get(word, word) for word in words))


def stems(words: str) -> Iterator[str]:
    """Yield the beginning of each word that means something: `fermée`, `fermés` and `fermeture` share theirs.

    The first five letters, without a plural's ending, are as good as a stemmer for French and English, and need no
    package.
    """
    for word in words.split():
        if word not in lexicon().empty and len(word) > 1:
            yield (word[:-1] if word[-1] in "sx" and len(word) > 3 else word)[:5]


def any_of(entries: str) -> re.Pattern[str]:
    """Return a pattern for any entry of a list: the beginning of a word, or a whole word if a full stop follows."""
    parts = (entry.strip().replace("\n", " ") for entry in entries.split(","))
    ends = (re.escape(part.rstrip(".")) + (r"\b" if part.endswith(".") else "") for part in parts if part)
    return re.compile(r"\b(?:" + "|".join(ends) + ")")


@dataclass(frozen=True, slots=True)
class Sign:
    """A sign of a call for help: the words have an entry of each list of `needs`, and none of `unless`."""

    name: str
    needs: tuple[re.Pattern[str], ...]
    unless: re.Pattern[str] | None

    def shows(self, words: str) -> bool:
        """True if these words, made by `plain`, show the sign."""
        return all(each.search(words) for each in self.needs) and not (self.unless and self.unless.search(words))


@dataclass(frozen=True, slots=True)
class Lexicon:
    """The lists of `words.toml`, as patterns.

    `topics` are the subjects of texts, `wanted` what their writers want to know, `help` the signs of a call for help.
    `empty` are words that mean nothing by themselves; `lists` are all other lists, and `empty`, by name.
    """

    topics: Mapping[str, re.Pattern[str]]
    wanted: Mapping[str, re.Pattern[str]]
    help: tuple[Sign, ...]
    empty: frozenset[str]
    lists: Mapping[str, re.Pattern[str]]

    def has(self, name: str, words: str) -> bool:
        """True if these words, made by `plain`, have an entry of that list."""
        return self.lists[name].search(words) is not None


@lru_cache(maxsize=1)
def lexicon() -> Lexicon:
    """Return the lists of `words.toml`, read once: that takes some 30 ms of a core."""
    tables = tomllib.loads(LISTS.read_text(encoding="utf-8"))
    lists = {name: any_of(entries) for name, entries in tables["lists"].items()}
    return Lexicon(
        topics={name: any_of(entries) for name, entries in tables["topics"].items()},
        wanted={name: any_of(entries) for name, entries in tables["wanted"].items()},
        help=tuple(_sign(each, lists) for each in tables["help"]),
        empty=frozenset(entry.strip() for entry in tables["lists"]["empty"].split(",")),
        lists=lists,
    )


def _sign(entry: Mapping[str, Any], lists: Mapping[str, re.Pattern[str]]) -> Sign:
    needs = tuple(lists.get(each) or any_of(each) for each in entry["needs"])
    return Sign(entry["name"], needs, any_of(entry["unless"]) if "unless" in entry else None)
