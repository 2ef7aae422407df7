"""What systemd wants to hear of a service of `Type=notify` (sd_notify(3)): a datagram to the socket it names."""

from __future__ import annotations

import contextlib
import os
import socket


def tell_systemd(state: str) -> bool:
    """Send `READY=1`, `WATCHDOG=1`, `STOPPING=1` or the like; False where no systemd listens."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return False
    if address.startswith("@"):
        address = "\0" + address[1:]
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as line:
        line.sendto(state.encode(), address)
        return True
    return False


def watchdog_interval() -> float | None:
    """Half of the time after which systemd takes a silent service for dead, in seconds; None: it doesn't watch."""
    microseconds = os.environ.get("WATCHDOG_USEC", "")
    return int(microseconds) / 2_000_000 if microseconds.isdigit() and int(microseconds) else None
