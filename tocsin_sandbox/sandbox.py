"""One sandbox without its port: the platforms, their state, the faults that are set, the journal."""

from __future__ import annotations

import re
from typing import Any

from tocsin_sandbox import bluesky, instagram, mastodon, matrix, ntfy, open311, push, sms, webhook
from tocsin_sandbox.crowd import TownHall
from tocsin_sandbox.exchange import Answer, Asked, Journal, error_page
from tocsin_sandbox.facebook import Facebook
from tocsin_sandbox.facebook import answers as facebook_answers
from tocsin_sandbox.facebook.answers import debug_token
from tocsin_sandbox.faults import FaultRequest, Faults
from tocsin_sandbox.people import Crowd
from tocsin_sandbox.rules import Rules
from tocsin_sandbox.settings import FACEBOOK_PAGE_ID, INSTAGRAM_ACCOUNT, SandboxSettings
from tocsin_sandbox.state import State
from tocsin_sandbox.telegram import Telegram
from tocsin_sandbox.telegram import calls as telegram_calls
from tocsin_sandbox.twitter import Twitter
from tocsin_sandbox.twitter import answers as twitter_answers

_FAULTY_AT = {"twitter": twitter_answers.faulty, "mastodon": mastodon.faulty, "bluesky": bluesky.faulty}
"""What a platform says under a fault, if its words name a time."""
_FAULTY = {
    "telegram": telegram_calls.faulty,
    "matrix": matrix.faulty,
    "ntfy": ntfy.faulty,
    "sms": sms.faulty,
    "webhook": webhook.faulty,
    "open311": open311.faulty,
    "push": push.faulty,
}
_GRAPH = re.compile(r"/v\d+\.\d+/(?P<subject>[\d_]+)?")
_TOKEN = re.compile(r"^(/file)?/bot[^/]+")
_ENDPOINT = re.compile(r"^/wpush/[^/]+")


def platform_of(path: str) -> str | None:
    """Whose a path is.

    `/2/…` is X's, `/v{n}.0/…` Facebook's, or Instagram's by the number behind it, `/bot<token>/…` Telegram's,
    `/wpush/…` a push service's, `/webhook…` the town's, `/open311/…` a server of reports, `/api/…` a Mastodon
    server's, `/xrpc/…` Bluesky's, `/_matrix/…` a Matrix server's, `/ntfy-…` a topic of ntfy;
    a provider of SMS has `/1.0/…` (OVHcloud), `/v1/public/…` (Octopush), `/sms/v1/…` and `/commons/v1/…` (smsmode).
    """
    if path.startswith("/2/"):
        return "twitter"
    if path.startswith(("/bot", "/file/bot")):
        return "telegram"
    for beginning, platform in (
        ("/wpush/", "push"),
        ("/api/", "mastodon"),
        ("/xrpc/", "bluesky"),
        (open311.BASE, "open311"),
        ("/_matrix/", "matrix"),
        ("/ntfy-", "ntfy"),
        ("/1.0/", "sms"),
        ("/v1/public/", "sms"),
        ("/sms/v1/", "sms"),
        ("/commons/v1/", "sms"),
    ):
        if path.startswith(beginning):
            return platform
    if path == "/webhook" or path.startswith("/webhook/"):
        return "webhook"
    if instagram.PATH.fullmatch(path):
        return "instagram"
    return "facebook" if _GRAPH.match(path) else None


def redact(path: str) -> str:
    """The path without Telegram's token, and without what a push service gave a browser alone."""
    return _ENDPOINT.sub("/wpush/<browser>", _TOKEN.sub(r"\1/bot<token>", path))


class Platforms:
    """All of them, over one state."""

    def __init__(self, settings: SandboxSettings, state: State, rules: Rules) -> None:
        self.telegram = Telegram(settings, state, rules)
        self.facebook = Facebook(settings, state, rules)
        self.instagram = instagram.Instagram(settings, state, rules)
        self.twitter = Twitter(settings, state, rules)
        self.push = push.PushService()
        self.sms = sms.Sms(state)
        self.mastodon = mastodon.Mastodon(settings, state, rules)
        self.bluesky = bluesky.Bluesky(settings, state, rules)
        self.crowds: dict[str, Crowd] = {
            "twitter": self.twitter.people,
            "facebook": self.facebook.comments,
            "telegram": self.telegram,
            "mastodon": self.mastodon,
            "bluesky": self.bluesky,
        }
        self.open311 = open311.Open311(rules)
        self._all: dict[str, Any] = {
            "twitter": self.twitter,
            "facebook": self.facebook,
            "instagram": self.instagram,
            "telegram": self.telegram,
            "mastodon": self.mastodon,
            "bluesky": self.bluesky,
            "matrix": matrix.Matrix(state),
            "ntfy": ntfy.Ntfy(state),
            "sms": self.sms,
            "webhook": webhook.Webhook(state),
            "open311": self.open311,
            "push": self.push,
        }

    def answer(self, platform: str, asked: Asked) -> Answer:
        """What the platform says when nothing is wrong."""
        answer: Answer = self._all[platform].answer(asked)
        return answer

    def has_news(self, platform: str) -> bool:
        """Whether something waits to be brought to a webhook, or fetched, at once."""
        if platform == "telegram":
            return bool(self.telegram.inbox.outgoing)
        if platform == "instagram":
            return bool(self.instagram.to_fetch)
        return platform == "facebook" and self.facebook.webhooks.has_news

    def state(self, now: float) -> dict[str, Any]:
        """What listening meets on each platform: prices, windows, webhooks, groups."""
        state = {"twitter": self.twitter.state(now), "facebook": self.facebook.state()}
        mastodon = {"blocked": sorted(self.mastodon.blocked)}
        return {**state, "telegram": self.telegram.state(now), "mastodon": mastodon}

    def answer_under(self, platform: str, asked: Asked, fault: FaultRequest | None) -> Answer:
        """What it says under a fault; whether the post was taken is the fault's to decide."""
        if fault is None or fault.kind in {"cut_after", "half", "drip"}:
            return self.answer(platform, asked)
        if fault.kind == "error_html":
            return error_page(fault.status or 502)
        if fault.kind == "error_after":
            answer = self.answer(platform, asked)
            return answer if answer.status >= 400 else self._faulty(platform, asked, fault)
        return self._faulty(platform, asked, fault)

    def _faulty(self, platform: str, asked: Asked, fault: FaultRequest) -> Answer:
        if platform in _FAULTY_AT:
            return _FAULTY_AT[platform](fault, asked.at)
        if platform in _FAULTY:
            return _FAULTY[platform](fault)
        if platform == "instagram":
            return facebook_answers.faulty(fault, INSTAGRAM_ACCOUNT)
        if fault.kind == "revoked" and asked.path.endswith("/debug_token"):
            # Asked about with the app's own token, a token that died is no error but the answer.
            died = (fault.code or 190, fault.message or "The session was invalidated", fault.subcode)
            return debug_token(asked, died)
        match = _GRAPH.match(asked.path)
        subject = match["subject"] if match else None
        return facebook_answers.faulty(fault, self.facebook.page_of(subject) if subject else FACEBOOK_PAGE_ID)


class Sandbox:
    """One sandbox's insides, without its port."""

    def __init__(self, settings: SandboxSettings) -> None:
        self.clock = settings.clock
        self.state = State(settings.state_dir)
        self.rules = Rules()
        self.platforms = Platforms(settings, self.state, self.rules)
        self.faults = Faults()
        self.journal = Journal()
        self.town_hall = TownHall()
        self._settings = settings

    def reset(self) -> None:
        """As on the first day: no posts, no pictures, no faults, an empty journal, every window open."""
        self.state.reset()
        self.rules = Rules()
        self.faults.clear()
        self.journal.clear()
        self.platforms.push.hang_up()
        self.platforms = Platforms(self._settings, self.state, self.rules)
