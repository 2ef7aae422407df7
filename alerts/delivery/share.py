"""Divides each kind's holdings evenly among the running daemons. Decisions only.

A *holding* moves as one from daemon to daemon: a lane, a source, or a bot with its lane and its bulk, which have one
pace. A daemon with less than its share takes free ones, and asks a daemon that has more for one; that daemon gives up
only the ones it was asked for. So nothing moves without a taker, though the daemons may know different channels while a
new configuration is rolled out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.model.lease import Ownership

MIXED = ""
"""The owner of a holding whose leases several daemons have, as while one of the version before runs."""


@dataclass(frozen=True, slots=True)
class LeaseGroup:
    """Leases that move together, in the order in which they are handed over. Each kind is divided by itself."""

    kind: str
    leases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """The holdings a daemon takes now, those it asks others for, and those of its own that it can spare on request."""

    take: tuple[LeaseGroup, ...]
    wants: tuple[LeaseGroup, ...]
    leave: tuple[LeaseGroup, ...]


def choose(groups: Sequence[LeaseGroup], found: Ownership, us: str, now: datetime, patience: timedelta) -> Choice:
    """Return the next step of this daemon, one of those `found`.

    A holding that has been free for longer than `patience` is anybody's, whatever the shares: unused, it serves nobody.
    """
    order = list(found.daemons)
    wanted = {name for each in found.daemons.values() if each.owner != us for name in each.wants}
    take: list[LeaseGroup] = []
    wants: list[LeaseGroup] = []
    leave: list[LeaseGroup] = []
    before = 0
    for group in _kinds(groups):
        owners = {each: _owner(each, found, us) for each in group}
        shares = _shares(order, len(group), before)
        before += len(group)
        mine = [each for each in group if owners[each] == us]
        room = shares[us] - len(mine)
        for each in group:
            if owners[each] is not None:
                continue
            is_wanted = not wanted.isdisjoint(each.leases)
            is_old = _free_since(each, found, now) <= now - patience
            if is_old or (room > 0 and not is_wanted):
                take.append(each)
                room -= 1
        surplus = list(_surplus(group, owners, shares, us))
        # Two that ask at once ask for different ones.
        start = order.index(us) % max(len(surplus), 1)
        wants += [*surplus[start:], *surplus[:start]][: max(room, 0)]
        leave += [each for each in mine if not wanted.isdisjoint(each.leases)][: max(-room, 0)]
    return Choice(tuple(take), tuple(wants), tuple(leave))


def _kinds(groups: Sequence[LeaseGroup]) -> list[list[LeaseGroup]]:
    kinds: dict[str, list[LeaseGroup]] = {}
    for each in groups:
        kinds.setdefault(each.kind, []).append(each)
    return list(kinds.values())


def _shares(order: Sequence[str], count: int, before: int) -> Mapping[str, int]:
    """How many of a kind each daemon should have. Those left over go on with the next daemon where `before` ended."""
    turns = Counter((before + number) % len(order) for number in range(count))
    return {owner: turns[place] for place, owner in enumerate(order)}


def _owner(group: LeaseGroup, found: Ownership, us: str) -> str | None:
    """Return the owner. Returns None if it is free, or partly free and else ours."""
    owners = {found.owned[name].owner for name in group.leases if name in found.owned}
    if owners <= {us}:
        return us if owners and all(name in found.owned for name in group.leases) else None
    return owners.pop() if len(owners) == 1 else MIXED


def _free_since(group: LeaseGroup, found: Ownership, now: datetime) -> datetime:
    """When its last lease became free; long ago where nobody ever had one."""
    ends = [found.free[name].until for name in group.leases if name in found.free]
    # A time ahead is one of before the clock was set back.
    return max((end for end in ends if end <= now), default=datetime.min.replace(tzinfo=now.tzinfo))


def _surplus(
    group: Sequence[LeaseGroup], owners: Mapping[LeaseGroup, str | None], shares: Mapping[str, int], us: str
) -> Iterator[LeaseGroup]:
    """Yield others' holdings beyond their share: their last ones."""
    for owner, share in shares.items():
        if owner != us:
            yield from [each for each in group if owners[each] == owner][share:]
