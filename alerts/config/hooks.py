"""Where Telegram brings what people say to a bot, and where it never would."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from alerts.channels.settings import TelegramSettings
from alerts.config.sections import StationSettings

PORTS = (443, 80, 88, 8443)
"""Those that Telegram calls a webhook on (core.telegram.org/bots/webhooks)."""
_TELEGRAM = "api.telegram.org"


def out_of_reach(station: StationSettings, settings: TelegramSettings) -> str | None:
    """Why a webhook below the station's public address would stay silent, with what is allowed; None: it may do.

    A Bot API server of one's own, and the sandbox, take any address: they may stand on the same machine.
    """
    address = station.public_url
    if not address:
        return "a webhook needs [station] public_url"
    if urlsplit(settings.api_url).hostname != _TELEGRAM:
        return None
    try:
        parts = urlsplit(address)
        port = PORTS[0] if parts.port is None else parts.port
    except ValueError:
        return f"[station] public_url {address!r} is no address; allowed: such as https://alertes.saint-martin.example"
    if parts.scheme != "https":
        return (
            f"Telegram brings nothing to {address!r}, which isn't https; allowed: a [station] public_url with https://"
        )
    if _is_local(parts.hostname or ""):
        return (
            f"Telegram doesn't reach {address!r} from outside; allowed: a [station] public_url that the internet does"
        )
    if port not in PORTS:
        ports = ", ".join(map(str, PORTS))
        return f"Telegram takes no [station] public_url on port {port}; allowed: {ports}"
    return None


def _is_local(host: str) -> bool:
    """Whether this is a name or an address of one machine or one network alone."""
    try:
        return not ip_address(host).is_global
    except ValueError:
        return host == "localhost" or host.endswith((".localhost", ".local", ".internal")) or "." not in host
