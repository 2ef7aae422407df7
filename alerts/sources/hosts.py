"""Where a fetch may go: the configured address, wherever it is, and from there on public hosts alone.

Without this rule whoever writes a feed could make the daemon ask the machines of the town's own network.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket

from yarl import URL

from alerts.model.errors import SourceFailed


class FailedForGood(SourceFailed):
    """Asking again would bring the same: it is not there any more, too large, or may not be asked for."""


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
    """The address as a message may show it: without user, password, query and fragment, which may hold secrets."""
    try:
        return str(URL(url).with_user(None).with_query(None).with_fragment(None))
    except (ValueError, TypeError):
        return "the address"


async def allow(target: URL, configured: URL) -> None:
    """Raise FailedForGood when `target` is on a private host that is not the `configured` one (host and port).

    A change to https on the same host is no other host. Raises SourceFailed when the name can't be resolved.
    """
    same_host = target.host == configured.host
    if same_host and (target.port == configured.port or (target.scheme == "https" and target.is_default_port())):
        return
    for address in await _resolve(target):
        if is_private(address):
            raise FailedForGood(
                f"{show(configured)} leads to the private host {target.host}, which is refused; "
                "if this is meant: allow_private = true"
            )


async def _resolve(url: URL) -> list[str]:
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(url.host, url.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise SourceFailed(f"the name {url.host} can't be resolved; look at the address and the DNS") from None
    return [str(sockaddr[0]) for *_, sockaddr in found]


def is_private(address: str) -> bool:
    """Whether an IP address is anything but a public unicast one."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    return not ip.is_global or ip.is_multicast
