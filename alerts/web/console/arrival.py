"""How a request came in: from where, over what, to which address; and the cookies that go with that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any
from urllib.parse import urlsplit

from aiohttp import HttpVersion11, web

from alerts.access.sessions import KNOWN_FOR, Entered, RelyingParty, Visit
from alerts.model.town import Town, host_in

# What web servers add that stand before a site. `X-Forwarded-For` isn't among it: a visitor's own proxy adds that.
_BY_PROXIES = (
    "X-Forwarded-Proto",
    "X-Forwarded-Host",
    "X-Forwarded-Port",
    "X-Forwarded-Server",
    "X-Real-IP",
    "Forwarded",
)
Network = IPv4Network | IPv6Network
_DAY = 86400


class WrongAddress(StrEnum):
    """Why a request isn't taken by the desk, whatever it asks.

    HOST: it was asked for under a name that isn't ours. A page elsewhere may have its own name lead to this machine
    (DNS rebinding), and would then be the same site as the desk to the browser that shows it.
    UNLISTED: it came through a web server that isn't among `[web] proxies`. Nothing it says is believed: all visitors
    would have one address, cookies would travel without `Secure`, and nobody would notice.
    PLAIN: the desk's address is https, and this came without; by a proxy of ours that doesn't say how it was asked.
    """

    HOST = "host"
    UNLISTED = "unlisted"
    PLAIN = "plain"


@dataclass(frozen=True, slots=True)
class Arrival:
    """`address` is the browser's as far as it can be known, `secure` whether it speaks https, `origins` where we are.

    The first of the `origins` is the address that was asked; the others are the desk's own by channels.toml. `astray`
    says what is wrong with the way here, if anything is: then nobody is let in. `mount` is the path below which the
    town is, where it shares the host with others.
    """

    address: str
    secure: bool
    origins: tuple[str, ...]
    astray: WrongAddress | None = None
    mount: str = ""

    @property
    def session_cookie(self) -> str:
        """`__Host-` makes browsers refuse one that another host or plain http planted (RFC 6265bis, 4.1.3.2).

        They give one of that name to all of the host: a town that shares it with others has one for its own path.
        """
        if not self.secure:
            return "tocsin"
        return "__Secure-tocsin" if self.mount else "__Host-tocsin"

    @property
    def device_cookie(self) -> str:
        """By what the browser is known where somebody signed in before."""
        return f"{self.session_cookie}-device"

    def cookie_of(self, request: web.Request) -> str:
        """The session's cookie, raw; empty where there is none."""
        return request.cookies.get(self.session_cookie, "")

    def visit(self, request: web.Request) -> Visit:
        """Return the visit for the gate."""
        device = request.cookies.get(self.device_cookie, "")
        return Visit(self.address, request.headers.get("User-Agent", ""), device)

    def site(self, request: web.Request) -> RelyingParty:
        """Return the party that a passkey is bound to: the address in the browser, if it is one of ours."""
        said = request.headers.get("Origin", "")
        origin = said if said in self.origins else self.origins[0]
        return RelyingParty(origin, urlsplit(origin).hostname or "")

    def remember(self, response: web.StreamResponse, entered: Entered) -> None:
        """Give the browser what it is to come back with."""
        session = entered.visitor.session
        lasts = int((session.expires_at - session.seen_at).total_seconds())
        self.set_cookie(response, self.session_cookie, entered.cookie, lasts)
        if entered.device is not None:
            self.set_cookie(response, self.device_cookie, entered.device, KNOWN_FOR * _DAY)

    def forget(self, response: web.StreamResponse) -> None:
        """Take the session's cookie away."""
        self.set_cookie(response, self.session_cookie, "", 0)

    def set_cookie(self, response: web.StreamResponse, name: str, value: str, lasts: int) -> None:
        """A cookie that no script reads and no other site sends along with a form."""
        # With `Strict`, whoever follows a link to the desk from a warning would seem signed out.
        kept: dict[str, Any] = {"httponly": True, "samesite": "Lax", "path": f"{self.mount}/", "secure": self.secure}
        response.set_cookie(name, value, max_age=lasts, **kept)


ARRIVAL: web.RequestKey[Arrival] = web.RequestKey("arrival", Arrival)
"""How the request came in: set for every one."""


def arrival_of(request: web.Request, town: Town) -> Arrival:
    """How it came in, believing of what proxies say only what ours say."""
    remote = request.remote or ""
    trusted = is_among(remote, town.web.trusted)
    address = client_address(remote, request.headers.getall("X-Forwarded-For", []), town.web.trusted)
    # The last value is our own proxy's: what stands before it came with the request, and may be made up.
    said = request.headers.get("X-Forwarded-Proto", "").split(",")[-1].strip().lower() if trusted else ""
    secure = said == "https" if said else request.secure
    own = f"{'https' if secure else 'http'}://{request.host.lower()}"
    configured = (_origin(town.desk_url),) if town.desk_url else ()
    astray = _astray(request, town, trusted=trusted, secure=secure)
    return Arrival(address, secure, (own, *configured), astray, town.mount)


def host_of(request: web.BaseRequest) -> str:
    """Return the name or address that was asked for, as it is compared: without port, capitals and the root's dot.

    It is empty, and nobody's, where it is neither.
    """
    try:
        return host_in(f"//{request.host}")
    except ValueError:  # a name in brackets
        return ""


def _astray(request: web.Request, town: Town, *, trusted: bool, secure: bool) -> WrongAddress | None:
    host = host_of(request)
    if not _is_own(host, town):
        return WrongAddress.HOST
    if not trusted and any(name in request.headers for name in _BY_PROXIES):
        return WrongAddress.UNLISTED
    if not secure and _is_meant_for_https(request, town, host):
        return WrongAddress.PLAIN if trusted else WrongAddress.UNLISTED
    return None


def _is_meant_for_https(request: web.Request, town: Town, host: str) -> bool:
    """True if it came over https, or should have, though no proxy says so.

    The browser's Origin reveals https. A web server that adds no header and asks for its upstream's own address
    resembles somebody on this machine; but browsers use at least HTTP/1.1, and nginx by default 1.0. So no form is
    accepted through such a server: nobody gets a session there.
    """
    origin, ours = request.headers.get("Origin", "").lower(), urlsplit(town.desk_url or "")
    asked, _, _ = origin.removeprefix("https://").partition(":")
    if origin == f"https://{request.host.lower()}" or (origin.startswith("https://") and asked in town.own_hosts):
        return True
    return ours.scheme == "https" and (ours.hostname == host or request.version < HttpVersion11)


def _is_own(host: str, town: Town) -> bool:
    """True if a name is ours. A numeric address can't be redirected elsewhere, so it counts."""
    return (
        host in town.own_hosts or host == "localhost" or host.endswith(".localhost") or _parsed_host(host) is not None
    )


def _parsed_host(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def address_of(request: web.Request, proxies: Sequence[Network]) -> str:
    """From where it was asked, as far as that can be known."""
    return client_address(request.remote or "", request.headers.getall("X-Forwarded-For", []), proxies)


def client_address(remote: str, forwarded: Sequence[str], proxies: Sequence[Network]) -> str:
    """Return the client behind our proxies.

    The list is read from the right, since each proxy adds its peer and the rest may be made up.
    """
    address = remote
    for said in reversed([part.strip() for line in forwarded for part in line.split(",")]):
        if not is_among(address, proxies):
            break
        seen = _parsed(said)
        if seen is None:
            break
        address = str(seen)
    return address


def is_among(address: str, proxies: Sequence[Network]) -> bool:
    """True if the address is one of our proxies."""
    parsed = _parsed(address)
    return parsed is not None and any(parsed in network for network in proxies)


def neighbourhood(address: str, prefix: int = 64) -> str:
    """Return the /64 of an IPv6 address, or another `prefix`: the owner of one address in it has them all."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    return str(found) if found.version == 4 else str(ip_network((found, prefix), strict=False))


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    """An address, also with a port as some proxies add it; an IPv4 one that was mapped into IPv6 as itself."""
    bare = text.strip()
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        address = ip_address(bare)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()
