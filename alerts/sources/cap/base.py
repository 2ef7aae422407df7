"""What an index's links are relative to (RFC 3986, section 5; `xml:base`): fast, for an index has thousands."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urljoin

_ABSOLUTE = ("http://", "https://")
# A path, from the root or not, in which resolving changes nothing: without empty parts, dots as parts and a scheme.
_PLAIN = re.compile(r"(/?)(?!\.)[\w.~%+-]+(?:/(?!\.)[\w.~%+-]+)*(?:\?[\w.~%+=&-]+)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Base:
    """An address, and what is put before a plain link to resolve it: `folder`, or `root` if it begins with a slash."""

    url: str
    folder: str
    root: str

    @classmethod
    def of(cls, url: str, told: str | None = None) -> Base:
        """The base of a document at `url` that tells `told` as its base; one that can't be read counts as not told."""
        try:
            return cls._at(urljoin(url, told or ""))
        except ValueError:
            return cls._at(url)

    @classmethod
    def _at(cls, url: str) -> Base:
        return cls(url, folder=urljoin(url, "x")[:-1], root=urljoin(url, "/x")[:-2])

    def resolve(self, link: str) -> str:
        """The address that `link` leads to. Raises ValueError for what is none."""
        if link.startswith(_ABSOLUTE):
            return link
        plain = _PLAIN.fullmatch(link)
        if plain is None:
            return urljoin(self.url, link)
        return f"{self.root if plain[1] else self.folder}{link}"
