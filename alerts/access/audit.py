"""Whether the record of who did what is whole: each line's digest covers the one before.

What it can't show by itself is a record that was made anew as a whole, by somebody who holds the file: for that, a head
that was kept elsewhere is compared (docs/adr/0004-accounts.md).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from alerts.model.chain import BEGINNING, digest_of
from alerts.model.errors import Misuse, Unreadable
from alerts.model.person import Chained
from alerts.model.reason import Reason, because

_HEAD = re.compile(r"(\d+):([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Head:
    """A line by its number and digest: whoever keeps the newest knows all before it."""

    seq: int
    digest: str

    def __str__(self) -> str:
        return f"{self.seq}:{self.digest}"


START = Head(0, BEGINNING)


@dataclass(frozen=True, slots=True)
class Verified:
    """It is whole: so many lines, up to this head."""

    lines: int
    head: Head


@dataclass(frozen=True, slots=True)
class Broken:
    """The first line that isn't as it was written, and what shows it."""

    seq: int
    why: Reason


def head_of(text: str) -> Head:
    """What `audit verify` printed as its head. Raises Misuse."""
    match = _HEAD.fullmatch(text.strip())
    if match is None:
        raise Misuse(because("no_head", text=repr(text)))
    return Head(int(match[1]), match[2])


def verify(lines: Iterable[Chained], height: int | None = None, expected: Head | None = None) -> Verified | Broken:
    """Follow the chain from its first line.

    `height` is the number of the newest line that was ever written (`Ledger.height`, asked before the lines are read:
    others go on writing meanwhile) and `expected` a head that was kept elsewhere: either shows that the end was cut
    off, and the second also that all was written anew.
    """
    head, met = START, expected is None or expected == START
    try:
        for line in lines:
            if (why := _fault(line, head)) is not None:
                return Broken(line.seq, why)
            head = Head(line.seq, line.digest)
            if expected is not None and expected.seq == head.seq:
                met = expected == head
                if not met:
                    return Broken(head.seq, because("record_rewritten"))
    except Unreadable as error:
        return Broken(head.seq + 1, error.reason)
    if height is not None and head.seq < height:
        return Broken(head.seq + 1, because("record_cut_off", height=height, seq=head.seq))
    if not met:
        return Broken(head.seq + 1, because("record_short", seq=expected.seq if expected else 0))
    return Verified(head.seq, head)


def _fault(line: Chained, before: Head) -> Reason | None:
    if line.seq != before.seq + 1:
        return because("record_gap", seq=before.seq)
    if line.previous != before.digest:
        return because("record_unchained")
    if digest_of(line.previous, line.entry) != line.digest:
        return because("record_changed")
    return None
