"""A stand-in of a mailbox: an IMAP4rev1 server on loopback, with one folder, and faults on demand.

It is strict where a careless reader would do harm: a folder that is opened to be written to is refused, and so is a
fetch that marks mails as seen. `python -m tocsin_sandbox.imap FOLDER` serves the `*.eml` of a folder, also those that
are put there later, and tells the lines for channels.toml.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl

USER, PASSWORD = "alertes-recues@saint-martin.example", "sandbox-mailbox-password"
AUTHORITY = "mx.saint-martin.example"
"""The name that the mails' `Authentication-Results` have to begin with."""
_FETCH = re.compile(r"(\S+) \(UID INTERNALDATE BODY\.PEEK\[(HEADER)?\]<0\.(\d+)>\)")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass
class Mailbox:
    """The folder: its mails by UID, each with when it came. `fault` is what goes wrong from now on.

    `backwards`: it tells the newest first, as a server may.

    Faults: "refuses" (the password), "no folder", "no numbers", "hangs", "drips", "cuts" (within a mail), "garbage",
    "flood" (an endless line), "hello" (no IMAP at all).
    """

    mails: dict[int, tuple[datetime, bytes]] = field(default_factory=dict)
    validity: int = 1
    next: int = 1
    fault: str = ""
    commands: list[str] = field(default_factory=list)
    port: int = 0
    password: str = PASSWORD
    backwards: bool = False

    def take(self, content: bytes, at: datetime) -> int:
        """Take a mail; returns its UID."""
        uid, self.next = self.next, self.next + 1
        self.mails[uid] = at, content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        return uid

    def renumber(self) -> None:
        """Number the mails anew under another UIDVALIDITY, as a server does after a repair."""
        told, self.mails, self.validity, self.next = list(self.mails.values()), {}, self.validity + 1, 1
        for at, content in told:
            self.take(content, at)


class _Session:
    def __init__(
        self, box: Mailbox, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, tls: ssl.SSLContext | None
    ) -> None:
        self._box, self._reader, self._writer, self._tls = box, reader, writer, tls
        self._is_known = False

    async def serve(self) -> None:
        """Answer until they leave."""
        box = self._box
        if box.fault == "hello":
            self._writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            return
        self._say("* OK [CAPABILITY IMAP4rev1 STARTTLS] ready" if self._tls else "* OK [CAPABILITY IMAP4rev1] ready")
        while line := (await self._reader.readline()).decode("ascii", "replace").rstrip("\r\n"):
            tag, _, rest = line.partition(" ")
            command = rest if rest.startswith("UID") else rest.partition(" ")[0]
            box.commands.append("LOGIN" if command == "LOGIN" else rest)
            if box.fault == "hangs" and command != "CAPABILITY":
                await asyncio.Event().wait()
            if box.fault == "garbage" and command != "CAPABILITY":
                self._writer.write(b"\x00\xff{}{{(\r\n" * 3)
            await self._answer(tag, command, rest)
            if command == "LOGOUT":
                return

    async def _answer(self, tag: str, command: str, rest: str) -> None:
        box = self._box
        if command == "CAPABILITY":
            self._say(f"* CAPABILITY IMAP4rev1{' STARTTLS' if self._tls else ''}", f"{tag} OK done")
        elif command == "STARTTLS" and self._tls:
            self._say(f"{tag} OK begin")
            await self._writer.start_tls(self._tls)
            self._tls = None
        elif command == "LOGIN":
            is_right = rest == f'LOGIN {USER} "{box.password}"' and box.fault != "refuses"
            self._is_known = is_right
            # As some do, it repeats what it was sent.
            self._say(f"{tag} OK hello" if is_right else f"{tag} NO [AUTHENTICATIONFAILED] {rest}")
        elif command == "LOGOUT":
            self._say("* BYE", f"{tag} OK bye")
        elif not self._is_known:
            self._say(f"{tag} BAD sign in first")
        elif command == "EXAMINE":
            self._examine(tag)
        elif command.startswith("UID SEARCH"):
            found = " ".join(str(uid) for uid in box.mails if _is_wanted(uid, box.mails[uid][0], command))
            self._say(f"* SEARCH {found}" if box.fault != "flood" else f"* SEARCH {'1 ' * 2_000_000}", f"{tag} OK done")
        elif command.startswith("UID FETCH") and (asked := _FETCH.fullmatch(command.removeprefix("UID FETCH "))):
            await self._fetch(asked)
            self._say(f"{tag} OK done")
        else:
            self._say(f"{tag} BAD this mailbox is read without a mark")

    def _examine(self, tag: str) -> None:
        box = self._box
        if box.fault == "no folder":
            self._say(f"{tag} NO [NONEXISTENT] no such folder")
            return
        numbers = (f"* OK [UIDVALIDITY {box.validity}] UIDs valid", f"* OK [UIDNEXT {box.next}] predicted")
        told = () if box.fault == "no numbers" else numbers
        self._say(f"* {len(box.mails)} EXISTS", *told, f"{tag} OK [READ-ONLY] opened")

    async def _fetch(self, asked: re.Match[str]) -> None:
        box, most = self._box, int(asked[3])
        for place, each in enumerate(sorted(asked[1].split(","), key=int, reverse=box.backwards), 1):
            if int(each) not in box.mails:
                continue
            at, content = box.mails[int(each)]
            head, end, _ = content.partition(b"\r\n\r\n")
            told = (head + end if asked[2] else content)[:most]
            moment = f"{at.day:2}-{_MONTHS[at.month - 1]}-{at:%Y %H:%M:%S} +0000"
            # Behind the mail stands what a reader needs too, as RFC 3501 allows.
            before = f'* {place} FETCH (INTERNALDATE "{moment}" BODY[{asked[2] or ""}]<0> {{{len(told)}}}\r\n'
            self._writer.write(before.encode())
            if box.fault == "cuts":
                self._writer.write(told[: len(told) // 2])
                await self._writer.drain()
                self._writer.transport.abort()
                return
            if box.fault == "drips":
                for byte in told:
                    self._writer.write(bytes([byte]))
                    await self._writer.drain()
                    await asyncio.sleep(0.02)
            else:
                self._writer.write(told)
            self._writer.write(f" UID {each})\r\n".encode())
            await self._writer.drain()

    def _say(self, *lines: str) -> None:
        self._writer.write("".join(f"{line}\r\n" for line in lines).encode())


def _is_wanted(uid: int, at: datetime, command: str) -> bool:
    if found := re.search(r"UID SEARCH UID (\d+):(\d+)", command):
        return int(found[1]) <= uid <= int(found[2])
    if found := re.search(r"SINCE (\d\d)-(\w{3})-(\d{4})", command):
        return at.date() >= datetime(int(found[3]), _MONTHS.index(found[2]) + 1, int(found[1]), tzinfo=UTC).date()
    return False


@asynccontextmanager
async def serving(
    box: Mailbox, tls: ssl.SSLContext | None = None, *, implicit: bool = False, look: Callable[[], None] | None = None
) -> AsyncIterator[Mailbox]:
    """Serve the folder at a free port (`box.port`); `look` is called at each connection."""
    open_now: set[asyncio.StreamWriter] = set()

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_now.add(writer)
        if look is not None:
            look()
        with contextlib.suppress(OSError, ValueError, asyncio.CancelledError):
            await _Session(box, reader, writer, None if implicit else tls).serve()
            await writer.drain()
        open_now.discard(writer)
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", box.port, ssl=tls if implicit else None)
    box.port = server.sockets[0].getsockname()[1]
    try:
        yield box
    finally:
        server.close()
        for writer in tuple(open_now):
            writer.transport.abort()
        await server.wait_closed()


async def _main(folder: Path) -> None:
    box, taken = Mailbox(), set[Path]()

    def look() -> None:
        for file in sorted(set(folder.glob("*.eml")) - taken):
            taken.add(file)
            box.take(file.read_bytes(), datetime.now(UTC))

    async with serving(box, look=look):
        sys.stdout.write(
            f'[sources.mailbox]\nkind = "mailbox"\nhost = "127.0.0.1"\nport = {box.port}\ntls = "none"\n'
            f'user = "{USER}"\npassword = {{ env = "MAILBOX_PASSWORD" }}       # {PASSWORD}\n'
            f'verified_by = "{AUTHORITY}"\nsenders = ["@eaux.example"]\n'
        )
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_main(Path(sys.argv[1])))
