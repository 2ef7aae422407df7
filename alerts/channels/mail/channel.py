"""A mailing list's address: every post is one e-mail, sent to the relay over its own connection (SMTP submission).

An e-mail can't be changed, withdrawn or searched for. An update and an end are e-mails of their own, in the thread of
the first one. The relay has an e-mail once it got the final dot, so that is sent by itself, after all else: a failure
before it is tried again, and one after it is in doubt.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import structlog
from aiosmtplib import SMTP, SMTPException, SMTPResponseException

from alerts.channels.mail import answers
from alerts.channels.mail.answers import DialogueStep
from alerts.channels.mail.mime import Email, written
from alerts.channels.picture import LoadedPicture, picture_along
from alerts.channels.settings import KeptPassword, MailSettings
from alerts.model.errors import DeliveryError, Rejected
from alerts.model.ports import Probe, Resources
from alerts.model.post import Message, PostImage, Quota, Receipt
from alerts.model.town import Secret

PATIENCE = 4
"""How many times `timeout` the relay may take for its word that it keeps the letter: a doubt costs more than a wait."""
LARGEST_PICTURE = 1024 * 1024
"""Bytes of a picture that goes along; a larger one stays behind, the words say what it shows."""
_PICTURE_KINDS = frozenset({"image/jpeg", "image/png", "image/gif"})
# Written in pieces, so that a slow relay's progress counts and a stalled one is noticed.
_PIECE = 16 * 1024
# RFC 5321, 4.2.2: completed, and start mail input.
_DONE, _GO_ON = 250, 354

T = TypeVar("T")
log = structlog.get_logger(__name__)


class Mail:
    """A list that a relay sends to. Most who read it never see a repeat, for it has the same Message-ID; some do."""

    two_levels = True
    repeats_once = True

    def __init__(self, name: str, settings: MailSettings, resources: Resources) -> None:
        self._name = name
        self._settings = settings
        self._resources = resources
        self._password = KeptPassword(name, settings.password, resources.folder)
        # Without a list nothing is sent for a post itself: it is out once its subscribers may be told.
        self.drops_repeats = self.proves_nothing = settings.to is None

    async def open(self) -> None:
        """Read the password, if there is one; raises BadCredential where it is missing. Sends nothing."""
        self._password.read()

    async def close(self) -> None:
        """Forget the password; no connection outlives its letter."""
        self._password.forget()

    async def publish(self, message: Message, reply_to: str | None = None) -> Receipt:
        """Hand one e-mail to the relay. The receipt's id is its Message-ID; it has no address.

        `reply_to` is the id of the e-mail that it answers. Raises InDoubt if the relay got the whole e-mail and its
        answer never came.
        """
        picture = await self._load(message.image) if message.image else None
        email = written(message, self._settings, reply_to, picture, self._resources.clock.now())
        if (to := self._settings.to) is None:
            self._password.value()  # also where nothing is sent, a channel that isn't open takes nothing
            return Receipt(email.id)
        await self._speak(lambda dialogue: dialogue.hand_over(email, to))
        return Receipt(email.id)

    async def probe(self) -> Probe:
        """Sign in, name sender and list, and leave: what the relay would refuse is known before there is a letter.

        The password is read anew before, so that one that was changed is taken without a restart.
        """
        await self.open()
        try:
            await self._speak(lambda dialogue: dialogue.address(self._settings.to))
        except Rejected as error:
            return Probe(self._settings.address, (error.reason,))
        return Probe(self._settings.address)

    def quotas(self) -> Sequence[Quota]:
        """Always empty: a relay gives its limits only in a refusal."""
        return ()

    async def _speak(self, work: Callable[[Dialogue], Awaitable[T]]) -> T:
        """Do it over a connection of its own; whatever comes of it, as a DeliveryError."""
        dialogue = Dialogue(self._settings, self._password.value())
        failure: DeliveryError
        try:
            await dialogue.begin()
            return await work(dialogue)
        except SMTPResponseException as error:
            failure = answers.refusal(dialogue.step, error.code, error.message)
        except (SMTPException, OSError) as error:
            failure = answers.broken_off(dialogue.step, answers.why_broken(dialogue.step, error, dialogue.patience))
        finally:
            dialogue.end()
        raise failure  # out here, so that the library's error is not its context

    async def _load(self, image: PostImage) -> LoadedPicture | None:
        folder, name = self._resources.folder, self._name
        return await picture_along(image, folder, largest=LARGEST_PICTURE, kinds=_PICTURE_KINDS, channel=name)


class Dialogue:
    """One connection to the relay. `step` is how far it has come, `patience` how many seconds that step may take.

    `emails` is how many it was given.
    """

    def __init__(self, settings: MailSettings, password: Secret | None) -> None:
        self._settings = settings
        self._password = password
        self.step = DialogueStep.CONNECT
        self.patience = settings.timeout.total_seconds()
        self.emails = 0
        self._is_begun = False
        # Kept as long as the connection: a writer that nobody holds any more closes it.
        self._writer: asyncio.StreamWriter | None = None
        # Each step's own time is kept here, and not by the library: until the dot they share one.
        self._relay = SMTP(
            hostname=settings.host,
            port=settings.relay_port,
            use_tls=settings.tls == "implicit",
            start_tls=False,
            timeout=None,
            # This machine's own name is nobody's business, and asking for it may take a name server's patience.
            local_hostname=settings.address.partition("@")[2],
        )

    @property
    def is_open(self) -> bool:
        """True if it isn't known to be closed."""
        return self._relay.is_connected

    async def begin(self) -> None:
        """Connect, make it safe and sign in: nothing of a letter is said before. Done already, forget the last one."""
        self.patience = self._settings.timeout.total_seconds()
        if self._is_begun:
            await self._begin_anew()
            return
        async with asyncio.timeout(self.patience):
            if self._settings.tls != "none":
                # It reads a hundred certificates.
                self._relay.tls_context = await asyncio.to_thread(ssl.create_default_context)
            await self._relay.connect()
            self.step = DialogueStep.HELLO
            await self._relay.ehlo()
            if self._settings.tls == "starttls":
                if not self._relay.supports_extension("starttls"):
                    raise answers.no_starttls()
                await self._relay.starttls()
                await self._relay.ehlo()
            if self._password is not None and self._settings.user is not None:
                self.step = DialogueStep.LOGIN
                await self._sign_in(self._settings.user, self._password)
        self._is_begun = True

    async def _begin_anew(self) -> None:
        """A letter that the relay took is over (RFC 5321, 4.1.1.4); of one that it refused it has a part."""
        was_taken = self.step is DialogueStep.DOT
        self.step = DialogueStep.SENDER
        if not was_taken:
            async with asyncio.timeout(self.patience):
                code, _ = await self._relay.execute_command(b"RSET")
            if code != _DONE:
                raise ConnectionResetError

    async def address(self, to: str | None, size: int | None = None) -> None:
        """Name the sender and whom it is for, if anybody, for a letter of so many bytes."""
        async with asyncio.timeout(self.patience):
            self.step = DialogueStep.SENDER
            options = [f"SIZE={size}"] if size is not None and self._relay.supports_extension("size") else []
            await self._relay.mail(self._settings.address, options=options)
            if to is not None:
                self.step = DialogueStep.LIST
                await self._relay.rcpt(to)

    async def hand_over(self, email: Email, to: str) -> None:
        """Give the letter to the relay, which has it with the final dot, and wait for its word that it keeps it."""
        self.emails += 1
        await self.address(to, len(email.content))
        async with asyncio.timeout(self.patience):
            self.step = DialogueStep.CONTENT
            await self._say(b"DATA", _GO_ON)
            await self._write(email.content)
            if not self._relay.is_connected:
                raise ConnectionResetError
        self.step, self.patience = DialogueStep.DOT, self.patience * PATIENCE
        async with asyncio.timeout(self.patience):
            await self._say(b".", _DONE)

    def end(self) -> None:
        """Take leave without waiting for an answer: what came of the letter is known."""
        with contextlib.suppress(SMTPException, OSError, RuntimeError):
            if self._relay.protocol is not None:
                self._relay.protocol.write(b"QUIT\r\n")
        self._relay.close()

    async def _sign_in(self, user: str, password: Secret) -> None:
        """By one mechanism: after each that fails, some relays make a user wait."""
        offered = self._relay.supported_auth_methods
        if "plain" in offered:
            await self._relay.auth_plain(user, password.reveal())
        elif "login" in offered:
            await self._relay.auth_login(user, password.reveal())
        else:
            raise answers.no_login()

    async def _say(self, line: bytes, wanted: int) -> None:
        code, words = await self._relay.execute_command(line)
        if code != wanted:
            raise SMTPResponseException(code, words)

    async def _write(self, content: bytes) -> None:
        """Write the letter, and return once all of it has left this process: the dot is said on its own."""
        transport, protocol = self._relay.transport, self._relay.protocol
        if not isinstance(transport, asyncio.WriteTransport) or protocol is None:
            raise ConnectionResetError
        # A line that begins with a dot gets another one (RFC 5321, 4.5.2).
        stuffed = content.replace(b"\r\n.", b"\r\n..")
        if self._writer is None:
            self._writer = asyncio.StreamWriter(transport, protocol, None, asyncio.get_running_loop())
            transport.set_write_buffer_limits(0)
        # In pieces: TLS takes a whole letter at once into a buffer below, of which nobody is told when it is empty.
        for start in range(0, len(stuffed), _PIECE):
            self._writer.write(stuffed[start : start + _PIECE])
            await self._writer.drain()
