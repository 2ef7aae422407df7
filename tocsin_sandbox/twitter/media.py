"""X's media endpoints: an upload, its text alternative, and how long its id is good for."""

from __future__ import annotations

import base64
import binascii
from dataclasses import replace

from tocsin_sandbox.exchange import Answer, Asked, answer_json
from tocsin_sandbox.pictures import look_at
from tocsin_sandbox.state import Medium, State
from tocsin_sandbox.twitter.answers import invalid

LIFETIME = 86_400
ALT_LIMIT = 1000
_MAX_BYTES = {"image/gif": 15 * 1024 * 1024}
_MAX_OTHER = 5 * 1024 * 1024


class TwitterMedia:
    """The pictures of the account."""

    def __init__(self, state: State) -> None:
        self._state = state

    def upload(self, asked: Asked) -> Answer:
        """`POST /2/media/upload`: multipart `media`, or JSON with base64."""
        content = _content(asked)
        picture = look_at(content)
        if picture is None:
            return invalid("media", "", "The media is missing or of a type that is not supported.")
        if len(content) > _MAX_BYTES.get(picture.kind, _MAX_OTHER):
            return invalid("media", "", "The media is too large.")
        id_ = f"17{len(self._state.media()) + 1:017d}"
        medium = Medium("twitter", id_, picture.kind, len(content), picture.width, picture.height, asked.at)
        self._state.keep_medium(medium, content)
        data = {"id": id_, "media_key": f"3_{id_}", "size": len(content), "expires_after_secs": LIFETIME}
        return answer_json({"data": data})

    def describe(self, asked: Asked) -> Answer:
        """`POST /2/media/metadata`: the text alternative."""
        body = asked.json if isinstance(asked.json, dict) else {}
        medium = self._state.medium("twitter", str(body.get("id")))
        metadata = body.get("metadata")
        described = metadata.get("alt_text") if isinstance(metadata, dict) else None
        alt = described.get("text") if isinstance(described, dict) else None
        if medium is None:
            return invalid("id", body.get("id"), "The media ID is unknown.")
        if not isinstance(alt, str) or not 0 < len(alt) <= ALT_LIMIT:
            return invalid("metadata.alt_text.text", alt, f"The text must have 1 to {ALT_LIMIT} characters.")
        self._state.keep_medium(replace(medium, alt=alt))
        return answer_json({"data": {"id": medium.id, "associated_metadata": {"alt_text": {"text": alt}}}})

    def is_usable(self, id_: str, now: float) -> bool:
        """Whether a post may carry this picture now."""
        medium = self._state.medium("twitter", id_)
        return medium is not None and now < medium.created_at + LIFETIME


def _content(asked: Asked) -> bytes:
    if "media" in asked.files:
        return asked.files["media"].content
    encoded = asked.json.get("media", "") if isinstance(asked.json, dict) else ""
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, TypeError):
        return b""
