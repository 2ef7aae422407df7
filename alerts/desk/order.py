"""The order in which the messages of one reading are filed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from alerts.model.ports import Heard

_FIRST = datetime.min.replace(tzinfo=UTC)


def in_order(heard: Sequence[Heard]) -> list[Heard]:
    """A message after all that it refers to, whatever their times say; else by `sent`, else as it stood in the feed.

    Messages that refer to one another in a circle are taken by `sent`. What could not be read comes first, as it
    stood: nothing depends on it.
    """
    by_time = sorted(heard, key=lambda each: each.alert.sent if each.alert else _FIRST)
    named: dict[str, list[Heard]] = {}
    for each in by_time:
        if each.alert is not None:
            named.setdefault(each.alert.identifier, []).append(each)
    ordered: list[Heard] = []
    begun: set[int] = set()
    for each in by_time:
        _place(each, named, begun, ordered)
    return ordered


def _place(start: Heard, named: dict[str, list[Heard]], begun: set[int], ordered: list[Heard]) -> None:
    """Depth first without recursion: a chain of references is as long as its sender likes."""
    stack = [(start, False)]
    while stack:
        each, is_ready = stack.pop()
        if is_ready:
            ordered.append(each)
            continue
        if id(each) in begun:
            continue
        begun.add(id(each))
        stack.append((each, True))
        stack.extend((earlier, False) for earlier in reversed(_referred(each, named)) if id(earlier) not in begun)


def _referred(each: Heard, named: dict[str, list[Heard]]) -> list[Heard]:
    references = each.alert.references if each.alert else ()
    identifiers = dict.fromkeys(reference.identifier for reference in sorted(references, key=lambda r: r.sent))
    return [earlier for identifier in identifiers for earlier in named.get(identifier, ()) if earlier is not each]
