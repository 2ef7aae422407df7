"""Texts as their words, and the lists of words by which they are understood (`words.toml`).

People write to a town in a hurry: `kan`, `svp`, no accents, no signs. `plain` makes all of that alike, and the lists
are compared with what it made. They are read when the first text is, and kept.
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
"""Characters of an utterance that are read: the rest is a stranger's patience, not a question."""

# Short forms of text messages, spelled out.
_SHORT: Mapping[str, str] = {
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
    "doit-on": "on doit",
    "u": "you",
    "pls": "please",
    "plz": "please",
    "thx": "thanks",
    "im": "i m",
    "cant": "can t",
}

_LINK = re.compile(r"https?://\S+|www\.\S+|[@#](?=\w)|\S+@\S+")
_WORD = re.compile(r"[a-z0-9]+")
# `c'est est` from a short form that was expanded in front of a whole one.
_THAT = re.compile(r"\bc est (?=est\b|etait\b)")
# Letters repeated for emphasis, as in "heeelp".
_DRAWN_OUT = re.compile(r"([a-z])\1{2,}")


def plain(text: str) -> str:
    """The text's words, in small letters, without accents and signs, one space between; short forms are written out.

    `où` becomes `ou` as everything does, and `ouu` marks that it was meant as a place: French writes both words alike
    without accents, so the accent is the best hint there is.
    """
    return _plain(text[:LONGEST])


@lru_cache(maxsize=512)
def _plain(text: str) -> str:
    small = _LINK.sub(" ", text.lower().replace("œ", "oe")).replace("où", "ouu")
    bare = "".join(sign for sign in normal("NFKD", small) if not unicodedata.combining(sign))
    words = _WORD.findall(_DRAWN_OUT.sub(r"\1\1", bare))
    return _THAT.sub("c ", " ".join(_SHORT.get(word, word) for word in words))  # `c'est` was whole, `c` is short for it


def stems(words: str) -> Iterator[str]:
    """The beginnings of the words that say something: `fermée`, `fermés` and `fermeture` share theirs.

    Five letters, without a plural's ending, do for French and English what a stemmer does, and need no package.
    """
    for word in words.split():
        if word not in lexicon().empty and len(word) > 1:
            yield (word[:-1] if word[-1] in "sx" and len(word) > 3 else word)[:5]


def any_of(entries: str) -> re.Pattern[str]:
    """Finds any entry of a list of `words.toml`: the beginning of a word, or all of it where a full stop follows."""
    parts = (entry.strip().replace("\n", " ") for entry in entries.split(","))
    ends = (re.escape(part.rstrip(".")) + (r"\b" if part.endswith(".") else "") for part in parts if part)
    return re.compile(r"\b(?:" + "|".join(ends) + ")")


@dataclass(frozen=True, slots=True)
class Sign:
    """A sign in a text: an entry of each list is in it, and none of `unless`."""

    name: str
    needs: tuple[re.Pattern[str], ...]
    unless: re.Pattern[str] | None

    def shows(self, words: str) -> bool:
        """True if it is in these words, normalised by `plain`."""
        return all(each.search(words) for each in self.needs) and not (self.unless and self.unless.search(words))


@dataclass(frozen=True, slots=True)
class Lexicon:
    """The lists: what is talked about, what is wanted, what may be a call for help, and the others by name."""

    topics: Mapping[str, re.Pattern[str]]
    wanted: Mapping[str, re.Pattern[str]]
    help: tuple[Sign, ...]
    empty: frozenset[str]
    lists: Mapping[str, re.Pattern[str]]

    def has(self, name: str, words: str) -> bool:
        """True if an entry of that list is in these words."""
        return self.lists[name].search(words) is not None


@lru_cache(maxsize=1)
def lexicon() -> Lexicon:
    """The lists of `words.toml`: some 30 ms of a core, once."""
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
