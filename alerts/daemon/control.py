"""The control socket: a command uses it to have a running daemon, with everything loaded, do its work.

Next to its database each daemon serves HTTP on a Unix socket, `DATABASE-control.PID`, to which its own user and root
may connect. A command posts its `Order` with `If-Match`, the *seal*: a digest of everything that it would read by
itself: channels.toml, the boundary, the town's templates, and the identity of this program. `Expect: 100-continue` has
it send the order only once the daemon has compared the seal with its own. So a file that was changed since the daemon
started is never ignored: the command then works by itself, as it does without a daemon. The output of the daemon's
function comes back as lines, each a JSON object with one pair: `say` and `show` text, `stored` an alert's id, `beat`
nothing, and at the end `status` the exit status.

If the daemon breaks off before that, it may have carried the order out or not. The order's `key` settles it: an alert
is stored together with its key, so the command carries the order out by itself, and the second one finds the key
(docs/adr/0014-the-control-socket.md). Only the standard library is imported here, without `http.client`, which takes
longer to load than all the rest: so a command starts fast.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO

from alerts import __file__ as program
from alerts import __version__
from alerts.store.sockets import sockets_beside

KIND = "control"
GREETS_WITHIN = 1.0
"""Seconds in which a daemon asks for the order: one that is stopped or too busy is not waited for."""
SILENT_FOR = 15.0
"""Seconds without a word after which an order is in doubt; a transaction waits five for another one at the most."""
# Orders come from our own command, but any program of the same user may connect.
LARGEST_ORDER, LARGEST_BODY = 1 << 20, 8 << 20
_LONGEST_LINE, _LONGEST_HEAD = 64 << 20, 1 << 16
_CONTINUE, _OK = 100, 200
# A command must start fast: beyond these it works by itself.
_MOST_ASKED, _MOST_TEMPLATES = 20, 5000
_DATABASE = "sqlite:///var/tocsin.db"
_CREDENTIALS = 12  # struct ucred: pid, uid, gid (unix(7))


class Unanswered(Exception):
    """The daemon had the order and broke off: it may have carried it out, or not."""


@dataclass(frozen=True, slots=True)
class Order:
    """A command's request: its line from its name on, and the bytes of the file that comes with it.

    `key` is the order's own. `colours` and `unicode` are its terminal's abilities.
    """

    line: Sequence[str]
    key: str
    colours: bool = False
    unicode: bool = True
    body: bytes | None = None

    def as_sent(self) -> bytes:
        """Return the content of its request: a JSON object on one line, then the bytes of its file."""
        head = asdict(self) | {"body": self.body is not None}
        return json.dumps(head).encode() + b"\n" + (self.body or b"")

    @classmethod
    def read(cls, content: bytes) -> Order:
        """Read one from the content of a request. Raises ValueError for what is none."""
        first, _, body = content.partition(b"\n")
        try:
            head = json.loads(first)
            return cls(**head | {"body": body if head["body"] else None})
        except (TypeError, KeyError):
            raise ValueError("an order of another kind") from None


@dataclass(frozen=True, slots=True)
class StationPlace:
    """The content of an unchecked channels.toml: the place of the database, and the seal of everything it uses.

    For a store on a server, `database` is the path after which its local files are named.
    """

    database: Path
    seal: str


def place_of(file: Path) -> StationPlace | None:
    """Return the place that a channels.toml names. Returns None if it is unreadable: the full parser reports why."""
    try:
        # Commands take this digest too, each time: it has to stay at about a millisecond (docs/adr/0014).
        text, folder = file.read_bytes(), file.resolve().parent
        table = tomllib.loads(text.decode("utf-8-sig"))
        seal = sha256()
        url = _url(folder, table)
        for part in (*_program(), os.fsencode(file.resolve()), text, url.encode(), *_beside(folder, table)):
            # With its length in front, so that no two lists of parts make the same bytes.
            seal.update(b"%d:%b" % (len(part), part))
    except (OSError, ValueError, RecursionError):
        return None
    return StationPlace(_database(folder, url), seal.hexdigest())


def _url(folder: Path, table: Mapping[str, Any]) -> str:
    """Return the address of the store: from the file, another one, or the environment."""
    store = table.get("store")
    url = store.get("url") if isinstance(store, dict) else None
    if isinstance(url, dict) and isinstance(name := url.get("env"), str):
        return os.environ.get(name, "")
    if isinstance(url, dict) and isinstance(name := url.get("file"), str):
        handed = Path(os.environ.get("CREDENTIALS_DIRECTORY", folder)) / name
        return (handed if handed.exists() else folder / name).read_text(encoding="utf-8").strip()
    return url if isinstance(url, str) else _DATABASE


def _database(folder: Path, url: str) -> Path:
    if not url.startswith(("postgresql:", "postgres:")):
        return folder / url.removeprefix("sqlite:///")
    asked = dict(each.partition("=")[::2] for each in url.partition("?")[2].split("&"))
    return folder / "var" / asked.get("schema", "tocsin")  # as alerts.config.sections says


def _program() -> Iterator[bytes]:
    """Which program this is: another version, or the same one installed anew, is another."""
    status = Path(program).stat()
    yield f"{__version__} {status.st_ino} {status.st_mtime_ns}".encode()


def _beside(folder: Path, table: Mapping[str, Any]) -> Iterator[bytes]:
    """The boundary, and each of the station's templates by its name, its time and its size."""
    boundary = _value_of(table, "station", "boundary")
    if boundary:
        yield (folder / boundary).read_bytes()
    found: list[str] = []
    for root, _, names in os.walk(folder / (_value_of(table, "station", "templates") or "templates")):
        for name in names:
            status = os.stat(path := os.path.join(root, name))  # noqa: PTH116, PTH118 of many files, in a command
            # Not its contents: a station may have thousands of templates, and each command looks at all of them.
            found.append(f"{path} {status.st_mtime_ns} {status.st_size}")
        if len(found) > _MOST_TEMPLATES:
            raise ValueError("more templates than are looked through for each command")
    yield os.fsencode("\n".join(sorted(found)))


def _value_of(table: Mapping[str, Any], section: str, key: str) -> str | None:
    values = table.get(section)
    value = values.get(key) if isinstance(values, dict) else None
    return value if isinstance(value, str) else None


def ask(place: StationPlace, order: Order, hear: Callable[[str, Any], None]) -> int | None:
    """Have a daemon carry the order out, and `hear` what it says; its exit status. None: no daemon took it.

    Raises Unanswered, and what `hear` raises.
    """
    content = order.as_sent()
    for path in sockets(place.database)[:_MOST_ASKED]:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line, line.makefile("rb") as answer:
            if _takes(line, answer, path, place, len(content)):
                return _carried_out(line, answer, content, hear)
    return None


def sockets(database: Path) -> list[Path]:
    """Return the control sockets next to the database; a killed daemon's is there until the next one starts."""
    try:
        return sorted(sockets_beside(database, KIND))
    except OSError:
        return []


def _takes(line: socket.socket, answer: BinaryIO, path: Path, place: StationPlace, size: int) -> bool:
    """True if a trusted daemon listens there, which has the same seal as ours and a place for an order of that size."""
    line.settimeout(GREETS_WITHIN)
    try:
        line.connect(os.fspath(path))
        # Where the database's folder is too deep for a socket, it is in /tmp, and anybody may have made it.
        # A store on a server has a folder here, and no file.
        here = place.database if place.database.exists() else place.database.parent
        if peer_of(line) not in {0, os.getuid(), here.stat().st_uid}:
            return False
        head = f"Host: tocsin\r\nExpect: 100-continue\r\nIf-Match: {place.seal}\r\nContent-Length: {size}\r\n\r\n"
        line.sendall(b"POST / HTTP/1.1\r\n" + head.encode())
        return _status_of(answer) == _CONTINUE
    except (OSError, ValueError):
        return False


def _carried_out(line: socket.socket, answer: BinaryIO, content: bytes, hear: Callable[[str, Any], None]) -> int:
    line.settimeout(SILENT_FOR)
    # From here on the daemon may have the order, so whatever breaks off leaves it in doubt.
    try:
        line.sendall(content)
        if _status_of(answer) != _OK:
            raise Unanswered
    except (OSError, ValueError):
        raise Unanswered from None
    while True:
        try:
            said = json.loads(answer.readline(_LONGEST_LINE))
        except (OSError, ValueError):
            raise Unanswered from None
        if "status" in said:
            return int(said["status"])
        for kind, what in said.items():
            hear(kind, what)


def _status_of(answer: BinaryIO) -> int:
    """Read the head of an answer; returns its status. Raises OSError, and ValueError if it is no answer's."""
    version, status, *_ = answer.readline(_LONGEST_HEAD).split(b" ", 2)
    if not version.startswith(b"HTTP/1."):
        raise ValueError("no answer of HTTP")
    while answer.readline(_LONGEST_HEAD).strip():
        pass
    return int(status)


def peer_of(line: socket.socket) -> int:
    """Return the user at the other end, from the system. Raises OSError if it doesn't say."""
    kind = getattr(socket, "SO_PEERCRED", None)
    if kind is None:
        raise OSError("this system doesn't tell who connects")
    credentials = line.getsockopt(socket.SOL_SOCKET, kind, _CREDENTIALS)
    return int.from_bytes(credentials[4:8], sys.byteorder)
