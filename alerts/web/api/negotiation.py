"""What form an answer has, and whether who asks has it already (RFC 9110, sections 12.5.1, 8.8.3 and 13.1)."""

from __future__ import annotations

import hashlib
import re

JSON = "application/json"
CAP = "application/cap+xml"
PROBLEM = "application/problem+json"
_TAG = re.compile(r'(W/)?"([^"]*)"')


def best_form(accept: str | None, offers: tuple[str, ...]) -> str | None:
    """The offered media type that `Accept` likes best, the first of equals; None where it takes none of them."""
    if accept is None or not accept.strip():
        return offers[0]
    ranges = [_range(part) for part in accept.split(",")]
    liked = [(_liking(offer, ranges), -place, offer) for place, offer in enumerate(offers)]
    quality, _, offer = max(liked)
    return offer if quality > 0 else None


def _range(part: str) -> tuple[str, float]:
    name, *parameters = [piece.strip().lower() for piece in part.split(";")]
    weight = next((each[2:] for each in parameters if each.startswith("q=")), "1")
    return name, float(weight) if re.fullmatch(r"(0(\.\d{0,3})?|1(\.0{0,3})?)", weight) else 0.0


def _liking(offer: str, ranges: list[tuple[str, float]]) -> float:
    """The weight of the most exact range that names the offer."""
    for name in (offer, f"{offer.split('/', maxsplit=1)[0]}/*", "*/*"):
        for given, weight in ranges:
            if given == name:
                return weight
    return 0.0


def tag_of(fingerprint: str, body: bytes) -> str:
    """The entity tag of an alert: what a validation is bound to, then what else this answer says of it.

    The state of a post is no part of the fingerprint, and yet a reason to fetch the alert again.
    """
    return f'"{fingerprint}-{hashlib.sha256(body).hexdigest()[:16]}"'


def seen_in(if_match: str) -> set[str] | None:
    """The fingerprints that `If-Match` names, whatever state was seen with them; None for `*`, which is anything.

    A weak tag matches nothing (RFC 9110, 13.1.1).
    """
    if if_match.strip() == "*":
        return None
    return {found[2].partition("-")[0] for found in _TAG.finditer(if_match) if not found[1]}


def has_it(if_none_match: str | None, tag: str) -> bool:
    """Whether who asks has this answer already; tags are compared weakly (RFC 9110, 13.1.2)."""
    if if_none_match is None:
        return False
    return if_none_match.strip() == "*" or any(f'"{found[2]}"' == tag for found in _TAG.finditer(if_none_match))
