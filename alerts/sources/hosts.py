"""Where a fetch may go: the configured address, wherever it is, and from there on public hosts alone.

Without this rule whoever writes a feed could make the daemon ask the machines of the town's own network.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket

from yarl import URL

from alerts.model.errors import FailedForGood, SourceFailed


def read_url(text: str) -> URL:
    """The http or https address in `text`. Raises FailedForGood for anything else."""
    try:
        url = URL(text)
        url.port  # noqa: B018 - yarl checks a port only when it is asked for
    except (ValueError, TypeError):
        raise FailedForGood("an address can't be read; expected as https://host/path") from None
    if url.scheme not in ("http", "https") or not url.host:
        raise FailedForGood(f"the address {show(url)} is not http or https")
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
            f"{show(configured) if configured else 'a link in a file'} leads to the private host {target.host}, "
            "which is refused; if this is meant: allow_private = true"
        )
    return addresses


async def _resolve(url: URL) -> list[str]:
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(url.host, url.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise SourceFailed(f"the name {url.host} can't be resolved; look at the address and the DNS") from None
    # IPv4 first: a network without IPv6 that doesn't say so would use up the time
    return sorted(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found), key=lambda address: ":" in address)


def is_private(address: str) -> bool:
    """Whether an IP address is anything but a public unicast one."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    return not ip.is_global or ip.is_multicast
