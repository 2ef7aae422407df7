"""An alert as a form again, so that its author finds it as it was, with the words that the approver changed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from alerts.desk.station import Station
from alerts.model.incident import StoredAlert, Typed
from alerts.model.post import Post
from alerts.web.console.compose.prefill import fields_of

EDITED = ("headline", "description", "instruction")
# The name of a picture that the desk keeps: the digest of its content.
_KEPT = re.compile(r"[0-9a-f]{64}\.\w+")


def fields_for(
    record: StoredAlert, posts: Sequence[Post], edited: Mapping[str, str], station: Station
) -> dict[str, Typed]:
    """The fields of the compose page for this alert, its channels among them."""
    fields = fields_of(record, station, lambda name: Path(name) if _KEPT.fullmatch(name) else None)
    words = {name: edited[name] for name in EDITED if name in edited}
    return {**fields, **words, "channel": tuple(dict.fromkeys(post.channel for post in posts))}
