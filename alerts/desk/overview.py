"""What concerns those at the desk now."""

from __future__ import annotations

from alerts.desk.service import DeskUnit
from alerts.desk.thread import channels_on
from alerts.model.incident import AlertState, StoredAlert
from alerts.model.post import TO_BE_SEEN_TO


def concerning(unit: DeskUnit) -> list[StoredAlert]:
    """Of each incident the newest message that was let out, while it is on; and each that has a post to be seen to."""
    records = unit.views.on_now(unit.now)
    newest = {record.incident_id: record for record in records if record.state is AlertState.ACCEPTED}
    posts = unit.views.posts_by_alert([record.id for record in records])
    threads = unit.views.threads(list({record.incident_id for record in newest.values()}))
    return [
        record
        for record in records
        if any(post.state in TO_BE_SEEN_TO for post in posts[record.id])
        or (newest.get(record.incident_id) == record and channels_on(threads[record.incident_id]))
    ]
