"""A mail relay on loopback: a real SMTP server (aiosmtpd) that keeps what it takes, and fails as relays do."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
import threading
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

MAIL = """
[channels.lettre]
kind = "mail"
host = "127.0.0.1"
port = {port}
tls = "none"
sender = "alertes@{name}.example"
subscriptions = true
"""
"""A town's own e-mail subscribers, by the relay at that port: `name` is the town's host."""

# It tells every line of every letter.
logging.getLogger("mail.log").setLevel(logging.ERROR)
USER, LIST = "alertes@saint-martin.example", "tous@listes.saint-martin.example"


@dataclass
class Taken:
    """One letter as the relay took it, with its envelope."""

    sender: str
    to: list[str]
    content: bytes
    safe: bool = False
    letter: EmailMessage = field(init=False)

    def __post_init__(self) -> None:
        self.letter = message_from_bytes(self.content, policy=policy.default)

    @property
    def id(self) -> str:
        return str(self.letter["Message-ID"]).strip("<>")

    @property
    def reply_to(self) -> str | None:
        told = self.letter["In-Reply-To"]
        return str(told).strip("<>") if told else None

    def text(self, subtype: str = "plain") -> str:
        part = self.letter.get_body((subtype,))
        return part.get_content().replace("\r\n", "\n") if part else ""


class Relay:
    """Takes letters for a list from who signs in; `says` and `does` at which step it does something else.

    `takes` is how many seconds it needs for a letter.

    `says` maps a verb (or "." for the answer to the letter, "GREETING") to what is answered there, for so many times as
    `times` says; `does` is one of "hang", "drip" (after the dot), "cut_data" (before a letter), "cut_before" (the dot),
    "cut_after".
    """

    def __init__(self, password: str | None = None, tls: ssl.SSLContext | None = None, **how: Any) -> None:
        self.password = password
        self.taken: list[Taken] = []
        self.connections = 0
        self.verbs: list[str] = []
        self.says: dict[str, str] = {}
        self.does = ""
        self.takes = 0.0
        self.times = 0
        self._implicit = how.pop("implicit", False)
        self._tls, self._how = tls, how
        self._server: asyncio.Server | None = None
        self.conversations: set[_Conversation] = set()

    @property
    def port(self) -> int:
        assert self._server
        return int(self._server.sockets[0].getsockname()[1])

    async def start(self, port: int = 0) -> Relay:
        loop = asyncio.get_running_loop()
        inner = None if self._implicit else self._tls
        how = {"hostname": "relay.example", "data_size_limit": 100_000, "enable_SMTPUTF8": False, **self._how}

        def greet() -> _Conversation:
            self.connections += 1
            with warnings.catch_warnings():
                # A password without TLS is what a relay on the same machine may ask for.
                warnings.simplefilter("ignore")
                conversation = _Conversation(
                    self,
                    loop=loop,
                    tls_context=inner,
                    authenticator=self._knows,
                    auth_required=self.password is not None,
                    auth_require_tls=inner is not None,
                    **how,
                )
            self.conversations.add(conversation)
            return conversation

        self._server = await loop.create_server(
            greet, "127.0.0.1", port, ssl=self._tls if self._implicit else None, reuse_address=True
        )
        return self

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            for each in self.conversations:
                each.cut()
            await self._server.wait_closed()
            self._server = None

    def set(self, *, does: str = "", says: dict[str, str] | None = None, times: int = 0) -> None:
        """From now on; for so many letters, or until it is set anew."""
        self.does, self.says, self.times = does, says or {}, times

    def met(self) -> None:
        """A fault met somebody: it is over after so many times."""
        if self.times:
            self.times -= 1
            if not self.times:
                self.set()

    def _knows(self, _server: SMTP, _session: Session, _envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        good = (
            isinstance(data, LoginPassword)
            and self.password is not None
            and (data.login, data.password) == (USER.encode(), self.password.encode())
        )
        self.verbs.append(f"AUTH {mechanism}")
        return AuthResult(success=good and "AUTH" not in self.says, handled=False)


@contextlib.contextmanager
def running(relay: Relay) -> Iterator[Relay]:
    """Have it answer in a thread of its own, for tests that wait without a loop."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    asyncio.run_coroutine_threadsafe(relay.start(), loop).result(60)
    try:
        yield relay
    finally:
        asyncio.run_coroutine_threadsafe(relay.stop(), loop).result(60)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(60)
        loop.close()


class _Conversation(SMTP):
    """One connection."""

    def __init__(self, relay: Relay, **how: Any) -> None:
        self.relay = relay
        super().__init__(self, **how)

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 aiosmtpd's name
        relay, does, says = self.relay, self.relay.does, self.relay.says.get(".")
        await asyncio.sleep(relay.takes)
        if does in ("hang", "drip", "cut_after") or says:
            relay.met()
        if says is None:
            content = envelope.original_content or b""
            safe = session.ssl is not None or self.transport.get_extra_info("sslcontext") is not None
            relay.taken.append(Taken(envelope.mail_from or "", list(envelope.rcpt_tos), content, safe))
        if does == "drip":
            self._writer.write(b"250")
        if does == "cut_after":
            self.cut()
        if does in ("hang", "drip", "cut_after"):
            await asyncio.Event().wait()
        return says or "250 2.0.0 kept"

    def cut(self) -> None:
        if self.transport is not None:
            self.transport.abort()

    async def push(self, status: str | bytes) -> None:
        if str(status).startswith("220 relay.example") and "GREETING" in self.relay.says:
            status = self.relay.says["GREETING"]
        await super().push(status)

    async def _refuses(self, verb: str) -> bool:
        self.relay.verbs.append(verb)
        if (says := self.relay.says.get(verb)) is None:
            return False
        self.relay.met()
        await self.push(says)
        return True

    async def smtp_EHLO(self, hostname: str) -> None:  # noqa: N802
        if not await self._refuses("EHLO"):
            await super().smtp_EHLO(hostname)

    async def smtp_MAIL(self, arg: str | None) -> None:  # noqa: N802
        if not await self._refuses("MAIL"):
            await super().smtp_MAIL(arg)

    async def smtp_RCPT(self, arg: str | None) -> None:  # noqa: N802
        if not await self._refuses("RCPT"):
            await super().smtp_RCPT(arg)

    async def smtp_RSET(self, arg: str | None) -> None:  # noqa: N802
        if not await self._refuses("RSET"):
            await super().smtp_RSET(arg)

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802
        if self.relay.does == "cut_data":
            self.relay.met()
            self.cut()
            return
        if self.relay.does == "cut_before":
            self.relay.met()
            await self.push("354 go on")
            await self._reader.readline()
            self.cut()
            await asyncio.Event().wait()
        if not await self._refuses("DATA"):
            await super().smtp_DATA(arg)


def certified(folder: Path, name: str = "127.0.0.1") -> tuple[ssl.SSLContext, Path]:
    """A server's TLS with a certificate of its own for this address, and the file by which it is trusted."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(name))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / f"{name}.pem"
    file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    secret = folder / f"{name}.key"
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, secret)
    return context, file
