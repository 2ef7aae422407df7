"""The headers that every answer of the desk carries, whatever it is."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from alerts.model.town import Town

_OFF = ("accelerometer", "camera", "display-capture", "geolocation", "gyroscope", "microphone", "payment", "usb")
_OWN = ("publickey-credentials-create", "publickey-credentials-get")
_YEAR = 31536000


def content_policy(town: Town) -> str:
    """Nothing but our own files; pictures also from the map's server. No inline script or style is ever run."""
    pictures = "'self' data: blob:"
    if town.web.tiles:
        parts = urlsplit(town.web.tiles)
        pictures += f" {parts.scheme}://{parts.netloc.replace('{s}', '*')}"
    return (
        f"default-src 'none'; script-src 'self'; style-src 'self'; img-src {pictures}; connect-src 'self'; "
        "font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )


def seals(town: Town, *, secure: bool) -> Mapping[str, str]:
    """The headers; `secure` says that the browser speaks https, which it shall then go on doing."""
    policy = [*(f"{feature}=()" for feature in _OFF), *(f"{feature}=(self)" for feature in _OWN)]
    headers = {
        "Content-Security-Policy": content_policy(town),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "same-origin",
        "Permissions-Policy": ", ".join(policy),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    return headers | ({"Strict-Transport-Security": f"max-age={_YEAR}"} if secure else {})
