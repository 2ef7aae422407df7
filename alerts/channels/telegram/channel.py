"""A Telegram channel or group, through python-telegram-bot and the Bot API (https://core.telegram.org/bots/api)."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

import structlog
from telegram import (
    Bot,
    ChatMemberAdministrator,
    ChatMemberOwner,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    LinkPreviewOptions,
    ReplyParameters,
)
from telegram import Message as Shown
from telegram.constants import ParseMode
from telegram.error import TelegramError

from alerts.channels.answer import RequestPurpose, count_of, normal, unclear
from alerts.channels.picture import NoPicture, Picture, load_picture
from alerts.channels.settings import TelegramSettings, read_credential
from alerts.channels.telegram.answers import Complaint, Form, address, outcome
from alerts.channels.telegram.wire import PLACEHOLDER, Complained, Unheard, Wire
from alerts.model.bounds import utf16_units
from alerts.model.errors import BadCredential, DeliveryError, Gone, InDoubt, Rejected
from alerts.model.ports import Probe, Resources
from alerts.model.post import Message, Quota, Receipt
from alerts.model.reason import because

LOOKS = 20
"""How many posts after the last known one are looked at; those whose post is known are passed over."""

_ABSENT_IN_A_ROW = 5  # ids run on: that many missing ones are the end of the chat, not deleted posts
_KEPT_IDS = 500
_LISTED = 200
_CAPTION = 1024  # UTF-16 units after parsing
_LARGEST_PICTURE = 10_000_000
_PICTURE_KINDS = frozenset({"image/jpeg", "image/png", "image/webp"})
_BUTTON = InlineKeyboardMarkup([[InlineKeyboardButton("…", callback_data="look")]])

T = TypeVar("T")
log = structlog.get_logger(__name__)


class Telegram:
    """A chat that our bot administers. Publishes, replies, edits, deletes, and can tell that a post is there.

    An id is the message's number in the configured chat; after the chat moved (a group that became a supergroup), it is
    `chat:number`, so that a post of the old chat is never taken for one of the new.
    """

    def __init__(self, name: str, settings: TelegramSettings, resources: Resources) -> None:
        self._name = name
        self._settings = settings
        self._resources = resources
        self._opened: Bot | None = None
        self._ours: deque[str] = deque(maxlen=_KEPT_IDS)
        self._read: dict[str, str] = {}

    async def open(self) -> None:
        """Read the bot's token; raises BadCredential. Sends nothing: a platform that is down stops no daemon."""
        token = read_credential(self._settings.token, self._resources.folder)
        wire = Wire(self._resources, self._settings.timeout, token)
        base = f"{self._settings.api_url}/bot"
        self._opened = Bot(PLACEHOLDER, base_url=base, request=wire, get_updates_request=wire)

    async def close(self) -> None:
        """Forget the token; the session is the process's."""
        self._opened = None

    async def publish(self, message: Message, reply_to: str | None = None) -> Receipt:
        """`sendMessage`, or `sendPhoto` where there is a picture and the words fit its caption.

        A refusal that tells how it would be taken is followed at once, since nothing went out: to the chat's new id,
        without markup, without the picture. Telegram has no text alternative: the words must say what it shows. A
        parent that is gone is no hindrance, the post then stands alone.
        """
        picture = await self._load_picture(message)
        act = RequestPurpose.REPLY if reply_to else RequestPurpose.PUBLISH

        async def send(form: Form) -> Receipt:
            return await self._send(message, form, reply_to, picture)

        return await self._follow(send, Form(self._chat, picture=picture is not None), act)

    async def edit(self, remote_id: str, message: Message) -> Receipt:
        """`editMessageText`, or the caption of a picture; words that are the same already are done."""
        chat, number = self._place(remote_id)

        async def change(form: Form) -> Receipt:
            try:
                await self._edit(message, replace(form, chat=chat), number)
            except Complained as error:
                if not error.complaint.not_modified:
                    raise
            return Receipt(remote_id, address(chat, number))

        return await self._follow(change, Form(chat, migrated=True), RequestPurpose.EDIT)

    async def delete(self, remote_id: str) -> None:
        """`deleteMessage`; a post that is gone is done. Rejected when it is older than Telegram's 48 h."""
        try:
            chat, number = self._place(remote_id)
            # Telegram deletes a bot's messages only within 48 hours; later an edit has to say it.
            await self._settle(self._bot.delete_message(chat, number), RequestPurpose.DELETE)
        except Gone:
            return

    async def find(
        self,
        message: Message,
        since: datetime,  # noqa: ARG002 the ids tell what is newer
        after: str | None,
        known: frozenset[str],
        reply_to: str | None = None,  # noqa: ARG002 nor does it matter what it answers
    ) -> Receipt | None:
        """The post with these words after `after`: each time `LOOKS` unknown ids are read, those before are remembered.

        Where several ids in a row are missing, the chat ends.

        Telegram gives no history. But ids run on within a chat, and a change of what stands under a post tells whether
        it is there and ours; one that does change something also tells its words. So a button is set under what may be
        the one, and taken away at once. Raises InDoubt without `after`: there is nowhere to begin.
        """
        if after is None:
            raise InDoubt(because("telegram_nothing_earlier"))
        try:
            chat, start = self._place(after)
        except Gone:
            raise InDoubt(because("telegram_chat_moved_since")) from None
        absent = looks = 0
        for number in itertools.count(start + 1):
            remote_id = self._name_of(chat, number)
            if remote_id in known or remote_id in self._ours:
                absent = 0
                continue
            there: str | bool | None = self._read.get(remote_id)
            if there is None:
                looks += 1
                there = self._kept(remote_id, await self._look_at(chat, number))
            if there and _says(there, message):
                return self._keep(chat, number)
            absent = absent + 1 if there is None else 0
            if absent >= _ABSENT_IN_A_ROW or looks >= LOOKS:
                break
        return None

    async def listed(self, since: datetime, after: str | None) -> Sequence[Receipt]:  # noqa: ARG002 ids tell
        """The messages of ours behind `after`; raises InDoubt without it."""
        if after is None:
            raise InDoubt(because("telegram_nothing_earlier"))
        chat, start = self._place(after)
        found, absent = [], 0
        for number in range(start + 1, start + 1 + _LISTED):
            there = await self._look_at(chat, number)
            absent = absent + 1 if there is None else 0
            if there:
                found.append(Receipt(self._name_of(chat, number), address(chat, number)))
            if absent >= _ABSENT_IN_A_ROW:
                break
        return found

    async def probe(self) -> Probe:
        """`getMe`, then our rights in the chat: a warning for each that is missing. BadCredential without any.

        The token is read anew before, so that one that was renewed is taken without a restart.
        """
        await self.open()
        me = await self._settle(self._bot.get_me(), RequestPurpose.READ)
        member = await self._settle(self._bot.get_chat_member(self._chat, me.id), RequestPurpose.READ)
        account = f"@{me.username}"
        if isinstance(member, ChatMemberOwner):
            return Probe(account, followers=await self._followers())
        if not isinstance(member, ChatMemberAdministrator):
            raise BadCredential(because("telegram_no_administrator", account=account, chat=self._settings.chat))
        # A right that isn't told is no right that is missing: groups have no right to post, everybody may.
        rights = {
            "post": member.can_post_messages,  # the first two are told of channels alone
            "edit": member.can_edit_messages,
            "delete": member.can_delete_messages,
        }
        missing = [what for what, may in rights.items() if may is False]
        warnings = tuple(because(f"telegram_may_not_{what}_messages", account=account) for what in missing)
        return Probe(account, warnings, await self._followers())

    async def _followers(self) -> int | None:
        """`getChatMemberCount`, our bot included; None where Telegram doesn't tell."""
        try:
            return count_of(await self._settle(self._bot.get_chat_member_count(self._chat), RequestPurpose.READ))
        except DeliveryError as error:
            log.info("followers.unknown", channel=self._name, reason=str(error.reason))
            return None

    def quotas(self) -> Sequence[Quota]:
        """Always empty: Telegram tells no limits but in a refusal."""
        return ()

    @property
    def _bot(self) -> Bot:
        if self._opened is None:
            raise BadCredential(because("channel_unopened", channel=self._name))
        return self._opened

    @property
    def _moved_key(self) -> str:
        return f"telegram.{self._name}.{self._settings.chat}.moved_to"

    @property
    def _chat(self) -> str:
        return self._resources.recall(self._moved_key) or self._settings.chat

    async def _follow(self, act_on: Callable[[Form], Awaitable[T]], form: Form, act: RequestPurpose) -> T:
        """Do it, in each form that a refusal leaves worth trying; raises what the last refusal means."""
        while True:
            try:
                return await _heard(act_on(form), act)
            except Complained as error:
                following = form.after(error.complaint)
                if following is None:
                    raise self._outcome(error.complaint, act) from None
                log.warning("post.other_form", channel=self._name, reason=error.complaint.words)
                if following.chat != form.chat:
                    await self._resources.remember(self._moved_key, following.chat)
                form = following

    async def _settle(self, call: Awaitable[T], act: RequestPurpose) -> T:
        try:
            return await _heard(call, act)
        except Complained as error:
            raise self._outcome(error.complaint, act) from None

    def _outcome(self, complaint: Complaint, act: RequestPurpose) -> DeliveryError:
        return outcome(complaint, act, self._resources.clock.now())

    async def _send(self, message: Message, form: Form, reply_to: str | None, picture: Picture | None) -> Receipt:
        options: dict[str, Any] = {"parse_mode": ParseMode.HTML if form.html else None}
        if (parent := self._parent(reply_to, form.chat)) is not None:
            # Telegram refuses an answer to a message that is gone, unless it is told that it may stand alone.
            options["reply_parameters"] = ReplyParameters(parent, allow_sending_without_reply=True)
        words = message.text if form.html else message.plain
        if form.picture and picture:
            sent = await self._bot.send_photo(
                form.chat, picture.content, caption=words, filename=picture.file_name, **options
            )
        else:
            sent = await self._bot.send_message(form.chat, words, link_preview_options=_preview(message), **options)
        return self._keep(form.chat, sent.message_id)

    async def _edit(self, message: Message, form: Form, number: int) -> None:
        words = message.text if form.html else message.plain
        mode = ParseMode.HTML if form.html else None
        try:
            await self._bot.edit_message_text(
                words, form.chat, number, parse_mode=mode, link_preview_options=_preview(message)
            )
        except Complained as error:
            # A message with a picture has a caption and no text; its number doesn't tell which it is.
            if not error.complaint.says("there is no text in the message"):
                raise
            await self._bot.edit_message_caption(form.chat, number, caption=words, parse_mode=mode)

    async def _look_at(self, chat: str, number: int) -> Shown | bool | None:
        """The post, or True where Telegram doesn't show it; None where there is none, False where it isn't ours.

        A button that a look left behind, because it was cut short, is taken away by the next one.
        """
        there = await self._touch(chat, number)
        if there is True:
            there = await self._touch(chat, number, _BUTTON)
            await self._touch(chat, number)
        return there

    def _kept(self, remote_id: str, there: Shown | bool | None) -> str | bool | None:
        """What a look found, its words remembered: the next look goes on behind it."""
        if there is None or isinstance(there, bool):
            return there
        if len(self._read) >= _KEPT_IDS:
            self._read.pop(next(iter(self._read)))
        words = self._read[remote_id] = normal(there.text or there.caption or "")
        return words

    async def _touch(self, chat: str, number: int, button: InlineKeyboardMarkup | None = None) -> Shown | bool | None:
        """Set what stands under a post: the post if that changed it, True if not; None and False as in `_look_at`."""
        try:
            return await _heard(
                self._bot.edit_message_reply_markup(chat, number, reply_markup=button), RequestPurpose.READ
            )
        except Complained as error:
            complaint = error.complaint
            if complaint.not_modified:
                return True
            if complaint.says("message to edit not found", "message_id_invalid"):
                return None
            if complaint.says("message can't be edited"):
                return False
            raise self._outcome(complaint, RequestPurpose.READ) from None

    def _keep(self, chat: str, number: int) -> Receipt:
        remote_id = self._name_of(chat, number)
        self._ours.append(remote_id)
        return Receipt(remote_id, address(chat, number))

    def _name_of(self, chat: str, number: int) -> str:
        return str(number) if chat == self._settings.chat else f"{chat}:{number}"

    def _place(self, remote_id: str) -> tuple[str, int]:
        """The chat and number that an id stands for. Raises Gone for a post of a chat that moved away."""
        chat, _, number = remote_id.rpartition(":")
        if (chat or self._settings.chat) != self._chat:
            raise Gone(because("in_chat_before_move"))
        if not number.isdecimal():
            raise Rejected(because("telegram_no_id", id=remote_id))
        return self._chat, int(number)

    def _parent(self, reply_to: str | None, chat: str) -> int | None:
        """The number of the message to reply to in `chat`; None where it isn't there."""
        if reply_to is None:
            return None
        parent_chat, _, number = reply_to.rpartition(":")
        return int(number) if (parent_chat or self._settings.chat) == chat and number.isdecimal() else None

    async def _load_picture(self, message: Message) -> Picture | None:
        # A caption holds a quarter of a message: words that don't fit are worth more than the picture.
        if message.image is None or utf16_units(message.plain) > _CAPTION:
            return None
        try:
            return await load_picture(
                message.image, self._resources.folder, largest=_LARGEST_PICTURE, kinds=_PICTURE_KINDS
            )
        except NoPicture as error:
            log.warning("post.without_picture", channel=self._name, reason=str(error))
            return None


async def _heard(call: Awaitable[T], act: RequestPurpose) -> T:
    """What the library's call returns; raises Complained, or what no answer means."""
    try:
        return await call
    except Complained:
        raise
    except Unheard as error:
        failure = error.outcome
    except TelegramError as error:
        failure = unclear(because("telegram_library_failed", error=type(error).__name__), act)
    raise failure  # out here, so that no text of the library's is its context


def _says(words: str | bool, message: Message) -> bool:
    """Whether a post has these words. One that isn't shown is taken for it: its place among the ids is all we know."""
    return words if isinstance(words, bool) else words == normal(message.plain)


def _preview(message: Message) -> LinkPreviewOptions:
    """A preview of the alert's own page, never of an address that a feed happened to mention."""
    if message.link:
        return LinkPreviewOptions(url=message.link, prefer_small_media=True)
    return LinkPreviewOptions(is_disabled=True)
