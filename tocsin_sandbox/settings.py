"""How a sandbox is set up, and the credentials it accepts. None of them is real, and each says so."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

TWITTER_CONSUMER_KEY = "sandbox-consumer-key"
TWITTER_CONSUMER_SECRET = "sandbox-consumer-secret"  # noqa: S105 - a stand-in's, it opens nothing
TWITTER_ACCESS_TOKEN = "sandbox-access-token"  # noqa: S105 - a stand-in's
TWITTER_ACCESS_TOKEN_SECRET = "sandbox-access-token-secret"  # noqa: S105 - a stand-in's
TWITTER_BEARER = "sandbox-bearer"
TWITTER_REFRESH_TOKEN = "sandbox-refresh-token"  # noqa: S105 - a stand-in's
TWITTER_USER_ID = "1500000000000000001"
TWITTER_USERNAME = "tocsin_sandbox"
TWITTER_FOLLOWERS = 1850

TWITTER_LISTENER_CONSUMER_KEY = "sandbox-listener-consumer-key"
TWITTER_LISTENER_CONSUMER_SECRET = "sandbox-listener-consumer-secret"  # noqa: S105 - a stand-in's
TWITTER_LISTENER_TOKEN = "sandbox-listener-access-token"  # noqa: S105 - a stand-in's
TWITTER_LISTENER_TOKEN_SECRET = "sandbox-listener-access-token-secret"  # noqa: S105 - a stand-in's
TWITTER_LISTENER_BEARER = "sandbox-listener-bearer"
TWITTER_LISTENER_ID = "1500000000000000002"
TWITTER_LISTENER_USERNAME = "tocsin_listens"

FACEBOOK_PAGE_ID = "1234567890"
FACEBOOK_FOLLOWERS = 2140
FACEBOOK_PAGE_TOKEN = "sandbox-page-token"  # noqa: S105 - a stand-in's
FACEBOOK_USER_TOKEN = "sandbox-user-token"  # noqa: S105 - a stand-in's
FACEBOOK_APP_ID = "sandbox-app"
FACEBOOK_APP_SECRET = "sandbox-app-secret"  # noqa: S105 - a stand-in's

INSTAGRAM_ACCOUNT = "17841400000000001"
INSTAGRAM_TOKEN = "sandbox-instagram-token"  # noqa: S105 - a stand-in's
INSTAGRAM_NAME = "saintmartin.sandbox"
INSTAGRAM_FOLLOWERS = 640

TELEGRAM_TOKEN = "1234567:sandbox-telegram-token"  # noqa: S105 - a stand-in's
TELEGRAM_BOT_ID = 1234567
TELEGRAM_MEMBERS = 312
TELEGRAM_BOT_USERNAME = "tocsin_sandbox_bot"

MASTODON_TOKEN = "sandbox-mastodon-token"  # noqa: S105 - a stand-in's
MASTODON_ACCOUNT = "117020566092212359"
MASTODON_NAME = "tocsin_sandbox"
MASTODON_FOLLOWERS = 96

BLUESKY_HANDLE = "saint-martin.sandbox.example"
BLUESKY_PASSWORD = "sandbox-bluesky-password"  # noqa: S105 - a stand-in's
BLUESKY_DID = "did:plc:tocsinsandbox234567abcdef"
BLUESKY_FOLLOWERS = 74

MATRIX_TOKEN = "sandbox-matrix-token"  # noqa: S105 - a stand-in's
MATRIX_ROOM = "!permanence:sandbox.example"
MATRIX_USER = "@tocsin:sandbox.example"

NTFY_TOKEN = "sandbox-ntfy-token"  # noqa: S105 - a stand-in's

OVH_SERVICE = "sms-ab12345-1"
OVH_KEY = "sandbox-ovh-key"
OVH_SECRET = "sandbox-ovh-secret"  # noqa: S105 - a stand-in's
OVH_CONSUMER = "sandbox-ovh-consumer"
OCTOPUSH_LOGIN = "mairie@saint-martin.example"
OCTOPUSH_KEY = "sandbox-octopush-key"
SMSMODE_KEY = "sandbox-smsmode-key"
SMS_SENDER = "STMARTIN"
SMS_LIST = "1234"
SMS_PEOPLE = 420

OPEN311_KEY = "sandbox-open311-key"

WEBHOOK_SECRET = "whsec_c2FuZGJveC13ZWJob29rLXNlY3JldC1vZi1ub2JvZHk="  # noqa: S105 - a stand-in's


@dataclass(frozen=True, slots=True)
class SandboxSettings:
    """What may be turned on a sandbox.

    `state_dir` keeps the posts over a restart (None: in memory only). `limits` enforces the platforms' rates; without,
    X's headers tell of windows so wide that nobody meets their end. `clock` is seconds since the epoch.
    `twitter_user_day` is the account's posts in 24 h, `twitter_app_day` the app's. `twitter_own_replies` says whether
    answering one's own posts is allowed; `twitter_edits` whether the account may edit; `twitter_credits` is what is
    left of the prepaid dollars (None: not counted). `facebook_calls` is a page's calls in 24 h.
    """

    state_dir: Path | None = None
    limits: bool = True
    clock: Callable[[], float] = time.time
    twitter_user_day: int = 2400
    twitter_app_day: int = 10_000
    twitter_own_replies: bool = True
    twitter_edits: bool = True
    twitter_credits: float | None = None
    facebook_calls: int = 4800
