"""What a correction can't mend: where the wrong alert was seen, and stays to be seen."""

from __future__ import annotations

from collections.abc import Sequence

from alerts.desk.station import Outlet, Station
from alerts.desk.thread import THERE
from alerts.model.post import Means, Post, PostState


def left_wrong(thread: Sequence[Post], station: Station) -> list[str]:
    """A line for each channel on which the wrong words stay readable, or may still arrive, and what to do there."""
    lines = []
    for outlet in station.outlets:
        posts = [post for post in thread if post.channel == outlet.name and post.state in THERE]
        lines += [_line(outlet, post) for post in posts if _stays(outlet, post)]
    return lines


def _stays(outlet: Outlet, post: Post) -> bool:
    return post.state is not PostState.SENT or outlet.on_end not in (Means.EDIT, Means.DELETE)


def _line(outlet: Outlet, post: Post) -> str:
    if post.state is not PostState.SENT:
        return f"{outlet.name}: the wrong post may still arrive there; the correction follows it"
    where = post.receipt.url if post.receipt and post.receipt.url else "its id is in `tocsin status`"
    return f"{outlet.name}: the wrong post stays readable above its correction: {where}"
