"""What is told to those who subscribed to a channel, laid out beside the channel's own post."""

from __future__ import annotations

from collections.abc import Mapping

from alerts.desk.station import Outlet
from alerts.desk.territory import Territory
from alerts.model.alert import Alert
from alerts.model.bulk import Bulk, BulkState
from alerts.model.hazard import Hazard, hazard_of
from alerts.model.post import Means, Message, Post, PostKind
from alerts.model.subscriber import TOPIC_OF, Notice, Topic


def bulk_of(
    outlet: Outlet,
    post: Post,
    *,
    alert: Alert,
    previous: Alert | None,
    messages: Mapping[str, Message],
    territory: Territory,
) -> Bulk:
    """The bulk that waits, goes and ends with `post`; `messages` are its words by language.

    An update that is graver than what it updates, of another topic, or reaches other districts, is also told to those
    whom the first alert didn't concern.
    """
    said = alert if alert.infos or previous is None else previous
    notice = Notice(_topic_of(said), post.severity, None if post.kind is PostKind.END else territory.districts_of(said))
    return Bulk(
        id=post.id,
        channel=post.channel,
        incident=post.incident_id,
        alert_id=post.alert_id,
        kind=post.kind,
        state=BulkState.QUEUED,
        notice=notice,
        texts={language: message.text for language, message in messages.items()},
        links={language: message.link for language, message in messages.items() if message.link},
        stored_at=post.stored_at,
        everyone=post.kind is PostKind.PUBLISH
        or (post.kind is PostKind.UPDATE and _goes_further(notice, alert, previous, territory)),
        edits=(outlet.on_end if post.kind is PostKind.END else outlet.on_update) is Means.EDIT,
        expires=post.expires,
        exercise=post.exercise,
    )


def _goes_further(notice: Notice, alert: Alert, previous: Alert | None, territory: Territory) -> bool:
    if previous is None or alert.severity.rank > previous.severity.rank:
        return True
    if notice.topic is not _topic_of(previous):
        return True
    before = territory.districts_of(previous)
    return before is not None and (notice.districts is None or not notice.districts <= before)


def _topic_of(alert: Alert) -> Topic:
    return TOPIC_OF[hazard_of(alert.infos[0]) if alert.infos else Hazard.GENERAL]
