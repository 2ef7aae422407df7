"""The platforms, a file or a folder each: they translate and send, nothing else.

Order, pace and retries are the lane's.

A kind is declared here by its settings, its text format and the name of its class, so that the command line can
check a configuration and render a post without loading any platform's library.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any, cast

from alerts.channels.settings import (
    FACEBOOK_TEXT,
    MAIL_TEXT,
    MQTT_TEXT,
    TELEGRAM_TEXT,
    TWITTER_TEXT,
    WEBHOOK_TEXT,
    ChannelSettings,
    FacebookSettings,
    MailSettings,
    MqttSettings,
    TelegramSettings,
    TwitterSettings,
    WebhookSettings,
)
from alerts.model.post import TextFormat


@dataclass(frozen=True, slots=True)
class ChannelKind:
    """A kind of channel. `path` is `module:Class`; the class is called as `Class(name, settings, resources)`.

    `counts_every_write` says what the platform counts against the windows: every write, or new posts alone. `ear` is
    the class that is asked what people say there, made alike (None: nobody can be asked, or the bot hears it).
    Another package adds one through the entry-point group `tocsin.channels` (see docs/extend.md).
    """

    settings: type[ChannelSettings]
    text: TextFormat
    path: str
    counts_every_write: bool = True
    ear: str | None = None

    def load(self) -> type[Any]:
        """Import the channel's class, and with it the platform's library."""
        return class_named(self.path)

    def load_ear(self) -> type[Any] | None:
        """Import the class that listens there; None: there is none."""
        return class_named(self.ear) if self.ear is not None else None


def class_named(path: str) -> type[Any]:
    """Import the class at `module:Class`."""
    module, name = path.split(":")
    return cast("type[Any]", getattr(import_module(module), name))


_TWITTER, _FACEBOOK = "alerts.channels.twitter.channel:Twitter", "alerts.channels.facebook.channel:Facebook"

PUSH_CHANNEL = "alerts.channels.push.channel:Push"
"""The class of the channel that `[push]` makes; it is of no kind that a file may name."""

# A row is the kind itself; or, where its settings stand in the channel's own file, the place of the kind there, as an
# entry point names it: that file imports ChannelKind from here, and its library isn't loaded before it is needed.
KINDS: dict[str, ChannelKind | str] = {
    "twitter": ChannelKind(TwitterSettings, TWITTER_TEXT, _TWITTER, counts_every_write=False, ear=_TWITTER),
    "facebook": ChannelKind(FacebookSettings, FACEBOOK_TEXT, _FACEBOOK, ear=_FACEBOOK),
    "telegram": ChannelKind(TelegramSettings, TELEGRAM_TEXT, "alerts.channels.telegram.channel:Telegram"),
    "webhook": ChannelKind(WebhookSettings, WEBHOOK_TEXT, "alerts.channels.webhook:Webhook"),
    "mail": ChannelKind(MailSettings, MAIL_TEXT, "alerts.channels.mail.channel:Mail"),
    "mqtt": ChannelKind(MqttSettings, MQTT_TEXT, "alerts.channels.mqtt:Mqtt"),
    "instagram": "alerts.channels.instagram:KIND",
    "mastodon": "alerts.channels.mastodon:KIND",
    "bluesky": "alerts.channels.bluesky:KIND",
    "matrix": "alerts.channels.matrix:KIND",
    "ntfy": "alerts.channels.ntfy:KIND",
    "sms": "alerts.channels.sms.channel:KIND",
}
