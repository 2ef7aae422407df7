"""Push as a channel: its posts wait and are validated like any other, but no platform displays them.

So nothing is sent for a post itself: it is out once its subscribers may get their messages (docs/adr/0035).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from alerts.channels.push.bulk import refusing, town_key
from alerts.channels.push.encryption import TownKey
from alerts.channels.settings import PushSettings
from alerts.model.errors import BadCredential
from alerts.model.ports import Probe, Resources
from alerts.model.post import Message, Quota, Receipt
from alerts.model.reason import because


class Push:
    """`[push]`. What isn't sent can't be lost: a repeat is the same post."""

    drops_repeats = True
    proves_nothing = True
    probes_at_home = True

    def __init__(self, name: str, settings: PushSettings, resources: Resources) -> None:
        self._name = name
        self._settings = settings
        self._resources = resources
        self._key: TownKey | None = None

    async def open(self) -> None:
        """Read the town's key; raises BadCredential where there is none."""
        # What is kept of who refuses it stays: only a message that is taken says that it is over.
        self._key = town_key(self._settings, self._resources)

    async def close(self) -> None:
        """Forget the key."""
        self._key = None

    async def publish(self, message: Message, reply_to: str | None = None) -> Receipt:
        """Release it: subscribers get it by their bulk, which waits for this post alone."""
        if self._key is None:
            raise BadCredential(because("channel_unopened", channel=self._name))
        content = f"{reply_to or ''}\n{message.text}"
        return Receipt(message.about.post if message.about else hashlib.sha256(content.encode()).hexdigest()[:32])

    async def probe(self) -> Probe:
        """Read the key anew. Raises BadCredential where it can't be read, or a push service refused it."""
        self._key = town_key(self._settings, self._resources)
        refused = [service for service, key in refusing(self._resources).items() if key == self._key.public]
        if refused:
            raise BadCredential(because("push_key_refused", services=refused))
        return Probe(self._settings.subject)

    def quotas(self) -> Sequence[Quota]:
        """Always empty: push services give their limits only in a refusal."""
        return ()
