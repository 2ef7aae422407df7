"""X's search queries: words and operators side by side, `OR`, brackets, and a minus before what must not be."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Protocol

LONGEST = 512
"""Characters of a query of a self-serve account."""
_TOKEN = re.compile(r'\s*(\(|\)|-?\w+:"[^"]*"|-?"[^"]*"|-?[^\s()]+)')


class Found(Protocol):
    """One post as X indexes it, each part worked out when a query asks for it."""

    @property
    def conversation(self) -> str:
        """The id of the post that began it."""
        ...

    @property
    def parent(self) -> str | None:
        """The id of the post that it answers."""
        ...

    @property
    def author(self) -> str:
        """Who wrote it, lower case as all names are here."""
        ...

    @property
    def answers(self) -> str | None:
        """Whom it answers."""
        ...

    @property
    def names(self) -> frozenset[str]:
        """The accounts that it names."""
        ...

    @property
    def words(self) -> str:
        """Its text, lower case."""
        ...

    @property
    def links(self) -> list[str]:
        """Where it links to."""
        ...

    @property
    def language(self) -> str:
        """What it is written in."""
        ...


Test = Callable[[Found], bool]


class Unparsable(Exception):
    """The query can't be read; the message says why."""


def read_query(query: str) -> Test:
    """The test that a query stands for. Raises Unparsable."""
    if not 0 < len(query.strip()) <= LONGEST:
        raise Unparsable(f"a query has from 1 to {LONGEST} characters")
    reader = _Reader(_TOKEN.findall(query))
    test = reader.either()
    if reader.tokens:
        raise Unparsable(f"no viable alternative at input '{reader.tokens[0]}'")
    return test


class _Reader:
    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens

    def either(self) -> Test:
        """Alternatives, `OR` between them: it binds less than what stands side by side."""
        tests = [self._all()]
        while self.tokens[:1] == ["OR"]:
            self.tokens.pop(0)
            tests.append(self._all())
        return lambda post: any(test(post) for test in tests)

    def _all(self) -> Test:
        tests: list[Test] = []
        while self.tokens and self.tokens[0] not in {")", "OR"}:
            tests.append(self._one())
        if not tests:
            raise Unparsable("an operator or a word is missing")
        return lambda post: all(test(post) for test in tests)

    def _one(self) -> Test:
        term = self.tokens.pop(0)
        if term == "-" and self.tokens[:1] == ["("]:
            inner = self._one()
            return lambda post: not inner(post)
        if term != "(":
            return _read_term(term)
        test = self.either()
        if self.tokens[:1] != [")"]:
            raise Unparsable("a bracket is not closed")
        self.tokens.pop(0)
        return test


_OPERATORS: dict[str, Callable[[Found, str], bool]] = {
    "conversation_id": lambda post, value: post.conversation == value,
    "in_reply_to_tweet_id": lambda post, value: post.parent == value,
    "from": lambda post, value: value.lower() == post.author,
    "to": lambda post, value: value.lower() == post.answers,
    "url": lambda post, value: any(value in link for link in post.links),
    "lang": lambda post, value: post.language == value,
    "is": lambda post, value: value == "reply" and post.parent is not None,
}
_KINDS = frozenset({"reply", "retweet", "quote", "verified"})


def _read_term(token: str) -> Test:
    if token.startswith("-"):
        inner = _read_term(token[1:])
        return lambda post: not inner(post)
    name, colon, value = token.partition(":")
    if colon and not token.startswith('"'):
        operator = _OPERATORS.get(name)
        value = value.strip('"').removeprefix("@")
        if operator is None or not value or (name == "is" and value not in _KINDS):
            raise Unparsable(f"Reference to invalid operator '{name}'.")
        return lambda post: operator(post, value)
    if token.startswith("@"):
        return lambda post: token[1:].lower() in post.names
    words = re.compile(rf"(?<!\w){re.escape(token.strip(chr(34)).lower())}(?!\w)")
    return lambda post: words.search(post.words) is not None
