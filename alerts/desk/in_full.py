"""Every word of an alert, also what no post has room for: it stands on the town's page and in the CAP message."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from alerts.model.alert import Alert, Info

_TEXTS = ("headline", "event", "description", "instruction", "audience", "contact", "sender_name", "web")
_ABOVE = ("source", "restriction", "note")
_OURS = "tocsin:"


@dataclass(frozen=True, slots=True)
class InFull:
    """What an alert says in one language, in the order of reading; without a language, what it says in none.

    `said` are pairs of CAP's name and the words; a further element of the message (`parameter`) names itself in them.
    """

    language: str | None
    said: tuple[tuple[str, str], ...]


def in_full(alert: Alert) -> tuple[InFull, ...]:
    """All that whoever validates the alert lets out beside its posts, language by language."""
    above = tuple((name, words) for name in _ABOVE if (words := getattr(alert, name)))
    told = [InFull(info.language, tuple(_of(info))) for info in alert.infos]
    return (*([InFull(None, above)] if above else []), *told)


def _of(info: Info) -> Iterator[tuple[str, str]]:
    for name in _TEXTS:
        if words := getattr(info, name):
            yield name, words
    for each in info.resources:
        address = "" if (each.uri or "").startswith("file:") else each.uri or ""
        yield "picture", " ".join(filter(None, (each.description, address)))
    for pair in (*info.event_codes, *info.parameters):
        if not pair.name.startswith(_OURS):
            yield "parameter", f"{pair.name}: {pair.value}"
    for area in dict.fromkeys(area.description for area in info.areas):
        yield "area", area
