"""The address to which Telegram sends a bot's updates, and which addresses it never calls."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from alerts.channels.settings import TelegramSettings
from alerts.config.sections import StationSettings
from alerts.model.reason import Reason, because

PORTS = (443, 80, 88, 8443)
"""Those that Telegram calls a webhook on (core.telegram.org/bots/webhooks)."""
_TELEGRAM = "api.telegram.org"


def out_of_reach(station: StationSettings, settings: TelegramSettings) -> Reason | None:
    """Why a webhook below the station's public address would stay silent, with what is allowed; None: it may do.

    A Bot API server of one's own, and the sandbox, take any address: they may stand on the same machine.
    """
    address = station.public_url
    if not address:
        return because("webhook_without_url")
    if urlsplit(settings.api_url).hostname != _TELEGRAM:
        return None
    try:
        parts = urlsplit(address)
        port = PORTS[0] if parts.port is None else parts.port
    except ValueError:
        return because("public_url_unread", text=repr(address))
    # Telegram calls webhooks by https alone (core.telegram.org/bots/webhooks).
    if parts.scheme != "https":
        return because("public_url_unencrypted", text=repr(address))
    if _is_local(parts.hostname or ""):
        return because("public_url_unreachable", text=repr(address))
    return None if port in PORTS else because("public_url_port", port=port, ports=list(map(str, PORTS)))


def _is_local(host: str) -> bool:
    """Whether this is a name or an address of one machine or one network alone."""
    try:
        return not ip_address(host).is_global
    except ValueError:
        return host == "localhost" or host.endswith((".localhost", ".local", ".internal")) or "." not in host
