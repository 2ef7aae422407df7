"""What keys and kinds are called, for those who don't read channels.toml; a key that isn't known here says itself."""

from __future__ import annotations

from collections.abc import Callable

from alerts.web.pages import Words


def said_of(words: Words) -> Callable[[str], str]:
    """The words for a key, a kind or a step."""
    _ = words.gettext
    known = {
        "station": _("Your town"),
        "channels": _("Channels"),
        "sources": _("Sources"),
        "duty": _("Duty & exercises"),
        "accounts": _("Accounts"),
        "ready": _("Ready?"),
        "heartbeat": _("Address of a watch"),
        "api_url": _("Another address of the platform, such as the sandbox’s"),
        "lines": _("The lines"),
        "twitter": _("X account"),
        "facebook": _("Facebook Page"),
        "telegram": _("Telegram channel"),
        "webhook": _("System of your own (webhook)"),
        "cap": _("CAP feed of warnings"),
        "ical": _("Works calendar"),
        "consumer_key": _("API key (consumer key)"),
        "consumer_secret": _("API secret (consumer secret)"),
        "access_token": _("Access token"),
        "access_token_secret": _("Access token secret"),
        "page_id": _("The Page’s number"),
        "token": _("Token"),
        "app_secret": _("The app’s secret"),
        "chat": _("Chat"),
        "url": _("Address"),
        "secret": _("Shared secret"),
        "exercise": _("For exercises alone: nothing real goes there"),
        "public": _("The public reads it: alerts are routed there"),
        "allow_private": _("Redirects may lead to a private address"),
        "version": _("Version of the Graph API"),
        "language": _("Language"),
        "name": _("Name"),
        "sender": _("Sender of your alerts"),
        "timezone": _("Time zone"),
        "public_url": _("Public address"),
        "areas": _("Codes of your area"),
        "boundary": _("File of district outlines"),
    }
    return lambda name: known.get(name, name)
