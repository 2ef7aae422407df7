"""The host names of a fleet's towns: each belongs to the folder that had it first, while that folder exists.

The files' host names are stored in `fleet-hosts.json`, next to `fleet.toml`, so that a restart doesn't give a name to
another folder that comes first. `[fleet.hosts]` of `fleet.toml` binds a name to a folder, whatever is stored. This
machine's own names and addresses are the operators' door, and no town's.
"""

from __future__ import annotations

import json
import socket
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

import structlog

from alerts.model.reason import Reason, because
from alerts.store.files import sync

# Stored, so that a restart gives no name to another town.
KEPT = "fleet-hosts.json"
log = structlog.get_logger()


@dataclass(slots=True)
class HostNames:
    """The names of a fleet's towns, each with its folder. `bound` are those that the operators gave out."""

    file: Path
    bound: Mapping[str, str] = field(default_factory=dict)
    _kept: dict[str, str] = field(default_factory=dict)
    _written: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, folder: Path, bound: Mapping[str, str]) -> HostNames:
        """Those of a folder of towns, as they were remembered."""
        file = folder / KEPT
        try:
            stored = json.loads(file.read_bytes())
        except (OSError, ValueError):
            stored = {}
        kept = {str(host): str(name) for host, name in stored.items()} if isinstance(stored, dict) else {}
        return cls(file, bound, kept, dict(kept))

    def claim(self, name: str, hosts: Collection[str], towns: Collection[str]) -> Iterator[Reason]:
        """Why the folder `name` can't have these; `towns` are the folders that are there. Nothing: it has them now."""
        wrong = [reason for host in sorted(hosts) if (reason := self._refusal(name, host, towns)) is not None]
        if not wrong:
            kept = {host: owner for host, owner in self._kept.items() if owner != name and owner in towns}
            self._kept = kept | dict.fromkeys(hosts, name)
        yield from wrong

    def _refusal(self, name: str, host: str, towns: Collection[str]) -> Reason | None:
        if is_of_machine(host):
            return because("host_of_machine", host=host, example="alertes.saint-martin.example")
        owner = self.bound.get(host) or self._kept.get(host)
        if owner in (None, name) or (owner not in towns and host not in self.bound):
            return None
        return because("host_taken", host=host, other=owner)

    def keep(self) -> None:
        """Write down who has what, if that changed."""
        if self._kept == self._written:
            return
        part = self.file.with_name(f"{self.file.name}.part")
        try:
            part.write_text(json.dumps(self._kept, indent=1, sort_keys=True), encoding="utf-8")
            part.replace(self.file)
            sync(self.file.parent)
            self._written = dict(self._kept)
        except OSError as error:  # it is remembered while this process runs, and written at the next look
            log.warning("fleet.hosts_unkept", file=str(self.file), error=str(error))


def is_of_machine(host: str) -> bool:
    """True if a name or an address leads to this machine by itself: `localhost`, `127.0.0.1`, its own name."""
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        own = {socket.gethostname().lower(), "localhost"}
        return "." not in host or host in own or host.endswith((".localhost", ".local", ".localdomain"))
    return True
