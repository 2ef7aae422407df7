"""Where a fetch may go: the configured address, wherever it is, and from there on public hosts alone.

Without this rule whoever writes a feed could make the daemon ask the machines of the town's own network.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket

from yarl import URL

from alerts.model.errors import FailedForGood, SourceFailed
from alerts.model.reason import because

_GLOBAL = ipaddress.ip_network("2000::/3")
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
# For documentation (RFC 3849, RFC 9637); Python learns of new ones with its own versions.
_RESERVED = (ipaddress.ip_network("2001:db8::/32"), ipaddress.ip_network("3fff::/20"))
# Where 6to4's relays were (RFC 7526).
_RELAYS = ipaddress.ip_network("192.88.99.0/24")
_ISATAP = 0x00005EFE


def read_url(text: str) -> URL:
    """The http or https address in `text`. Raises FailedForGood for anything else."""
    try:
        url = URL(text)
        url.port  # noqa: B018 - yarl checks a port only when it is asked for
    except (ValueError, TypeError):
        raise FailedForGood(because("address_unread")) from None
    if url.scheme not in ("http", "https") or not url.host:
        raise FailedForGood(because("address_scheme", address=show(url)))
    return url


def show(url: URL | str) -> str:
    """The address as a message may show it: its host and the last part of its path, `https://feeds.example/…/basic.ics`.

    User, password, query, fragment and the folders of a path may hold secrets: many calendars are shared by such an
    address. A file's is shown whole.
    """
    try:
        url = URL(url)
        if url.scheme == "file":
            return str(url)
        *folders, name = url.path.lstrip("/").split("/")
        return f"{url.origin()}/{'…/' if folders else ''}{name}"
    except (ValueError, TypeError):
        return "the address"


async def addresses_of(target: URL, configured: URL | None) -> list[str] | None:
    """Where `target` may be asked for: at these IP addresses and no others, or (None) wherever its name leads.

    The latter is for the `configured` host alone (host and port; a change to https on it is no other host). Whoever
    asks goes to these addresses without looking at the name again: it could lead elsewhere by then. Raises
    FailedForGood when one of them is private, SourceFailed when the name can't be resolved.
    """
    if configured and target.host == configured.host:
        same_port = target.port == configured.port
        if same_port or (target.scheme == "https" and target.is_default_port()):
            return None
    addresses = await _resolve(target)
    if any(is_private(address) for address in addresses):
        raise FailedForGood(
            because("address_private", address=show(configured), host=target.host)
            if configured
            else because("link_private", host=target.host)
        )
    return addresses


async def _resolve(url: URL) -> list[str]:
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(url.host, url.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise SourceFailed(because("host_unresolved", host=url.host)) from None
    # IPv4 first: a network without IPv6 that doesn't say so would use up the time
    return sorted(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found), key=lambda address: ":" in address)


def is_private(address: str) -> bool:
    """Whether an IP address is anything but a public unicast one, in whichever of its spellings.

    Of IPv6 only what IANA gave out as global unicast (2000::/3) is public, and what carries an IPv4 address for a
    gateway to go on to (NAT64, RFC 6052; 6to4, RFC 3056; ISATAP, RFC 5214; the mapped form) is as public as that one.
    So the old IPv4-compatible form, site-local and unique local addresses, and NAT64's prefix for local use (RFC 8215)
    are not.
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        carried = _carried(ip)
        if carried is None:
            return ip not in _GLOBAL or any(ip in reserved for reserved in _RESERVED) or not ip.is_global
        ip = carried
    return not ip.is_global or ip.is_multicast or ip in _RELAYS


def _carried(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that a gateway would go on to; None where there is none."""
    if ip.ipv4_mapped is not None:
        return ip.ipv4_mapped
    if ip.sixtofour is not None:
        return ip.sixtofour
    lowest = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    is_isatap = int(ip) >> 32 & 0xFDFFFFFF == _ISATAP
    return lowest if ip in _NAT64 or (is_isatap and ip in _GLOBAL) else None
