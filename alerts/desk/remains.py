"""What a correction can't mend: where the wrong alert was seen, and stays to be seen."""

from __future__ import annotations

from collections.abc import Sequence

from alerts.desk.station import Outlet, Station
from alerts.desk.thread import THERE
from alerts.model.post import Means, Post, PostState
from alerts.model.reason import Reason, because


def left_wrong(thread: Sequence[Post], station: Station) -> list[Reason]:
    """What to say of each channel on which the wrong words stay readable, or may still arrive, and what to do there."""
    lines = []
    for outlet in station.outlets:
        posts = [post for post in thread if post.channel == outlet.name and post.state in THERE]
        lines += [_line(outlet, post) for post in posts if _stays(outlet, post)]
    return lines


def _stays(outlet: Outlet, post: Post) -> bool:
    return post.state is not PostState.SENT or outlet.on_end not in (Means.EDIT, Means.DELETE)


def _line(outlet: Outlet, post: Post) -> Reason:
    if post.state is not PostState.SENT:
        return because("wrong_may_arrive", channel=outlet.name)
    where = post.receipt.url if post.receipt and post.receipt.url else "its id is in `tocsin status`"
    return because("wrong_stays", channel=outlet.name, where=where)
