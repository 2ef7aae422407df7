"""A Telegram channel or group, through python-telegram-bot and the Bot API (https://core.telegram.org/bots/api)."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar

import structlog
from telegram import Bot, ChatMemberAdministrator, ChatMemberOwner, LinkPreviewOptions, ReplyParameters
from telegram import Message as Shown
from telegram import Poll as Closed
from telegram.constants import ParseMode

from alerts.channels.answer import RequestPurpose, count_of, name_of
from alerts.channels.picture import LoadedPicture, picture_along
from alerts.channels.settings import TelegramSettings, read_credential
from alerts.channels.telegram.answers import Complaint, Form, address, outcome, outcome_elsewhere
from alerts.channels.telegram.client import TelegramClient
from alerts.channels.telegram.search import ABSENT_IN_A_ROW, LOOKS, Search
from alerts.channels.telegram.wire import PLACEHOLDER, Complained, Wire, heard
from alerts.model.bounds import utf16_units
from alerts.model.errors import BadCredential, DeliveryError, Gone, InDoubt, Rejected, Retry
from alerts.model.poll import PollCount
from alerts.model.ports import Probe, Resources
from alerts.model.post import Message, PollForm, Quota, Receipt
from alerts.model.reason import Reason, because
from alerts.model.remembered import Newest

# Our latest messages, which a search skips.
_KEPT_IDS = 500
# Of a group's messages, behind what was answered: all of these are remembered between two looks.
_FURTHEST = 400
# A search in a busy group continues after this, since each read id costs a request.
_LOOKS_ON_AFTER = timedelta(seconds=5)
# Chats whose 429 is remembered; strangers in private chats can't fill the memory.
_CHATS_THAT_WAIT = 1000
_LISTED = 200
_CAPTION = 1024  # UTF-16 units after parsing
# The Bot API refuses photos above 10 MB.
_LARGEST_PICTURE = 10_000_000
_PICTURE_KINDS = frozenset({"image/jpeg", "image/png", "image/webp"})

# The words of telegram-bot-api for a poll that can't be closed, and for one that is closed.
_POLL_GONE = ("message with poll to stop not found", "message is not a poll", "message_id_invalid")
_POLL_STOPPED = ("poll has already been closed", "poll can't be stopped")

T = TypeVar("T")
log = structlog.get_logger(__name__)


class Telegram:
    """A chat that our bot administers. Publishes, replies, edits, deletes, and can find a post.

    An id is the message's number in the configured chat; after the chat moved (a group that became a supergroup), it is
    `chat:number`, so that a post of the old chat is never taken for one of the new.

    `chat:number` also names a message of any other chat that the bot is in: in the channel's discussion group, or in
    somebody's private chat with the bot. An answer to one is sent there, and an id of one is edited and deleted there.
    A refusal by such a chat is that message's own failure (`ReaderGone`), and not the channel's.
    """

    def __init__(self, name: str, settings: TelegramSettings, resources: Resources) -> None:
        self._name = name
        self._settings = settings
        self._resources = resources
        self._opened: tuple[Bot, Wire] | None = None
        self._ours: deque[str] = deque(maxlen=_KEPT_IDS)
        self._search = Search(lambda: self._bot, self._outcome)
        self._retry_after: Newest[str, Retry] = Newest(_CHATS_THAT_WAIT)

    async def open(self) -> None:
        """Read the bot's token; raises BadCredential. Sends nothing: a platform that is down stops no daemon."""
        token = read_credential(self._settings.token, self._resources.folder)
        wire = Wire(self._resources, self._settings.timeout, token)
        base = f"{self._settings.api_url}/bot"
        self._opened = Bot(PLACEHOLDER, base_url=base, request=wire, get_updates_request=wire), wire

    async def close(self) -> None:
        """Forget the token; the session is the process's."""
        self._opened = None

    async def publish(self, message: Message, reply_to: str | None = None) -> Receipt:
        """`sendMessage`, or `sendPhoto` if there is a picture and the words fit its caption.

        A refusal that names an acceptable form is followed at once, since nothing went out: to the chat's new id,
        without markup, without the picture. Telegram has no text alternative: the words must describe it. If the parent
        is gone, the post is sent without one. An answer is sent in the chat of its parent.
        """
        chat = self._chat_of(reply_to)
        self._may_speak_in(chat)
        picture = await self._load_picture(message)
        act = RequestPurpose.REPLY if reply_to else RequestPurpose.PUBLISH

        async def send(form: Form) -> Receipt:
            return await self._send(message, form, reply_to, picture)

        # Another chat's move is nothing to follow: the channel would move with it.
        form = Form(chat, picture=picture is not None, migrated=chat != self._chat)
        return await self._follow(send, form, act)

    async def edit(self, remote_id: str, message: Message) -> Receipt:
        """`editMessageText`, or the caption of a picture; words that are the same already are done."""
        chat, number = self._place(remote_id)
        self._may_speak_in(chat)

        async def change(form: Form) -> Receipt:
            try:
                await self._edit(message, replace(form, chat=chat), number)
            except Complained as error:
                if not error.complaint.not_modified:
                    raise
            return Receipt(remote_id, address(chat, number))

        return await self._follow(change, Form(chat, migrated=True), RequestPurpose.EDIT)

    async def close_poll(self, remote_id: str, poll: PollForm) -> PollCount:
        """`stopPoll`, whose answer has the last numbers; where it was stopped already, they are read off the message.

        Raises Gone where the message or its poll isn't there any more.
        """
        chat, number = self._place(remote_id)
        try:
            final: Closed | None = await heard(self._bot.stop_poll(chat, number), RequestPurpose.EDIT)
        except Complained as error:
            if error.complaint.says(*_POLL_GONE):
                raise Gone(because("poll_gone")) from None
            if not error.complaint.says(*_POLL_STOPPED):
                raise self._outcome(error.complaint, RequestPurpose.EDIT, chat) from None
            there = await self._search.look_at(chat, number)
            final = there.poll if isinstance(there, Shown) else None
        if final is None:
            raise Gone(because("poll_gone"))
        counts = {option.text: option.voter_count for option in final.options}
        return PollCount(tuple(counts.get(option, 0) for option in poll.options))

    async def delete(self, remote_id: str) -> None:
        """`deleteMessage`; a post that is gone is done. Rejected when it is older than Telegram's 48 h.

        In a group an administrator with that right deletes what others said, too.
        """
        try:
            chat, number = self._place(remote_id)
            # Telegram deletes a bot's messages only within 48 hours; later an edit has to say it.
            await self._settle(self._bot.delete_message(chat, number), RequestPurpose.DELETE, chat)
        except Gone:
            return

    async def hide(self, remote_id: str) -> None:
        """Take away what somebody said in the group: Telegram knows no hiding, so it is deleted for everybody."""
        await self.delete(remote_id)

    async def block(self, author: str) -> None:
        """`banChatMember`: that person leaves the channel's discussion group, and can't come back by themselves."""
        group = (await self._line.discussion(self._chat)).group
        if group is None or not author.isdecimal():
            raise Rejected(because("telegram_nobody_to_block"))
        await self._settle(self._bot.ban_chat_member(group, int(author)), RequestPurpose.EDIT, str(group))

    async def find(
        self,
        message: Message,
        since: datetime,  # noqa: ARG002 the ids tell what is newer
        after: str | None,
        known: frozenset[str],
        reply_to: str | None = None,
    ) -> Receipt | None:
        """Find the post with these words after `after`.

        Each call reads `LOOKS` unknown ids, and remembers earlier ones.

        If several consecutive ids are missing, the chat ends there.

        Telegram gives no history. But ids are consecutive within a chat, and a change of the keyboard under a post
        shows if it is there and ours; a change that takes effect also returns its words. So a button is set under each
        candidate, and removed at once. An answer in another chat is searched behind the message that it answers; in
        private chats, whose ids aren't consecutive, it can't be. Raises InDoubt without `after`: there is no starting
        point.
        """
        if reply_to is not None and self._chat_of(reply_to) != self._chat:
            return await self._find_elsewhere(message, known, reply_to)
        if after is None or self._chat_of(after) != self._chat:
            raise InDoubt(because("telegram_nothing_earlier"))
        try:
            chat, start = self._place(after)
        except Gone:
            raise InDoubt(because("telegram_chat_moved_since")) from None
        number, _ = await self._search.find(chat, start, message, self._passing(chat, known))
        return None if number is None else self._keep(chat, number)

    async def _find_elsewhere(self, message: Message, known: frozenset[str], reply_to: str) -> Receipt | None:
        """Find the answer in the group, behind the message it answers. Raises Retry if more ids remain to be read."""
        chat, start = self._place(reply_to)
        if not chat.startswith("-"):
            raise InDoubt(because("telegram_unsearched"))
        # Anybody may have deleted a few in a row there.
        number, reached = await self._search.find(chat, start, message, self._passing(chat, known), ending=LOOKS)
        if number is not None:
            return self._keep(chat, number)
        if reached is None:
            return None
        if reached - start > _FURTHEST:
            raise InDoubt(because("telegram_unsearched"))
        raise Retry(because("telegram_looks_on"), self._resources.clock.now() + _LOOKS_ON_AFTER)

    def _passing(self, chat: str, known: frozenset[str]) -> Callable[[int], bool]:
        """Return the test for a message that is known to be another one."""
        return lambda number: (name := self._name_of(chat, number)) in known or name in self._ours

    async def listed(self, since: datetime, after: str | None) -> Sequence[Receipt]:  # noqa: ARG002 ids tell
        """The messages of ours behind `after`; raises InDoubt without it."""
        if after is None or self._chat_of(after) != self._chat:
            raise InDoubt(because("telegram_nothing_earlier"))
        chat, start = self._place(after)
        found, absent = [], 0
        for number in range(start + 1, start + 1 + _LISTED):
            there = await self._search.look_at(chat, number)
            absent = absent + 1 if there is None else 0
            if there:
                found.append(Receipt(self._name_of(chat, number), address(chat, number)))
            if absent >= ABSENT_IN_A_ROW:
                break
        return found

    async def probe(self) -> Probe:
        """`getMe`, then our rights in the chat: a warning for each that is missing. BadCredential without any.

        The token is read anew before, so that one that was renewed is taken without a restart.
        """
        await self.open()
        me = await self._settle(self._bot.get_me(), RequestPurpose.READ)
        member = await self._settle(self._bot.get_chat_member(self._chat, me.id), RequestPurpose.READ)
        account = f"@{name_of(me.username) or ''}"
        if isinstance(member, ChatMemberOwner):
            return Probe(account, tuple(await self._lacks()), await self._followers())
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
        return Probe(account, (*warnings, *await self._lacks()), await self._followers())

    async def _lacks(self) -> Sequence[Reason]:
        """Return the bot's missing rights for reading comments; empty if it isn't to read them."""
        return (await self._line.discussion(self._chat)).warnings if self._settings.hears else ()

    async def _followers(self) -> int | None:
        """`getChatMemberCount`, our bot included; None if Telegram doesn't give it."""
        try:
            return count_of(await self._settle(self._bot.get_chat_member_count(self._chat), RequestPurpose.READ))
        except DeliveryError as error:
            log.info("followers.unknown", channel=self._name, reason=str(error.reason))
            return None

    def quotas(self) -> Sequence[Quota]:
        """Always empty: Telegram gives its limits only in a refusal."""
        return ()

    @property
    def _line_out(self) -> tuple[Bot, Wire]:
        if self._opened is None:
            raise BadCredential(because("channel_unopened", channel=self._name))
        return self._opened

    @property
    def _bot(self) -> Bot:
        return self._line_out[0]

    @property
    def _moved_key(self) -> str:
        return f"telegram.{self._name}.{self._settings.chat}.moved_to"

    @property
    def _chat(self) -> str:
        return self._resources.recall(self._moved_key) or self._settings.chat

    @property
    def _line(self) -> TelegramClient:
        return TelegramClient(self._settings, self._resources, self._resources.pace)

    def _chat_of(self, remote_id: str | None) -> str:
        """The chat in which a message is: the channel's own, unless its id names another one."""
        return (remote_id or "").rpartition(":")[0] or self._chat

    def _may_speak_in(self, chat: str) -> None:
        """Raises Retry where Telegram asked to wait for this one chat."""
        wait = self._retry_after.get(chat)
        if wait is not None and wait.after is not None and wait.after > self._resources.clock.now():
            raise Retry(wait.reason, wait.after, sent=False)

    async def _follow(self, act_on: Callable[[Form], Awaitable[T]], form: Form, act: RequestPurpose) -> T:
        """Do it, in each form that a refusal leaves worth trying; raises what the last refusal means."""
        while True:
            try:
                return await heard(act_on(form), act)
            except Complained as error:
                following = form.after(error.complaint)
                if following is None:
                    raise self._outcome(error.complaint, act, form.chat) from None
                log.warning("post.other_form", channel=self._name, reason=error.complaint.words)
                if following.chat != form.chat:
                    await self._resources.remember(self._moved_key, following.chat)
                form = following

    async def _settle(self, call: Awaitable[T], act: RequestPurpose, chat: str | None = None) -> T:
        try:
            return await heard(call, act)
        except Complained as error:
            raise self._outcome(error.complaint, act, chat) from None

    def _outcome(self, complaint: Complaint, act: RequestPurpose, chat: str | None = None) -> DeliveryError:
        """Return the error for a refusal in `chat`; None: in the channel itself, or in none."""
        now, pace = self._resources.clock.now(), self._resources.pace
        if chat is None or chat == self._chat:
            meant = outcome(complaint, act, now)
            if complaint.status == 429 and pace is not None and isinstance(meant, Retry) and meant.after is not None:
                pace.halt((meant.after - now).total_seconds())
            return meant
        meant = outcome_elsewhere(complaint, act, now)
        if isinstance(meant, Retry) and meant.after is not None:
            self._retry_after.keep(chat, meant)
        return meant

    async def _send(self, message: Message, form: Form, reply_to: str | None, picture: LoadedPicture | None) -> Receipt:
        parent = self._parent(reply_to, form.chat)
        # Telegram refuses an answer to a message that is gone, unless it is told that it may stand alone.
        reply = None if parent is None else ReplyParameters(parent, allow_sending_without_reply=True)
        words, mode = (message.text, ParseMode.HTML) if form.html else (message.plain, None)
        if message.poll is not None:
            # Without an end of its own: it is closed by us, so that its last numbers are those of its closing.
            asked = message.poll
            sent = await self._bot.send_poll(form.chat, asked.question, asked.options, reply_parameters=reply)
        elif form.picture and picture:
            sent = await self._bot.send_photo(
                form.chat,
                picture.content,
                caption=words,
                filename=picture.file_name,
                parse_mode=mode,
                reply_parameters=reply,
            )
        else:
            said = {"chat_id": form.chat, "text": words, "link_preview_options": _preview(message).to_dict()}
            said |= {"parse_mode": mode} if mode else {}
            said |= {"reply_parameters": reply.to_dict()} if reply else {}
            bot, wire = self._line_out
            return self._keep(form.chat, await wire.send_text(f"{bot.base_url}/sendMessage", said))
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

    def _keep(self, chat: str, number: int) -> Receipt:
        remote_id = self._name_of(chat, number)
        self._ours.append(remote_id)
        return Receipt(remote_id, address(chat, number))

    def _name_of(self, chat: str, number: int) -> str:
        return str(number) if chat == self._settings.chat else f"{chat}:{number}"

    def _place(self, remote_id: str) -> tuple[str, int]:
        """Return the chat and number of an id. Raises Gone for a post of a chat that moved away."""
        chat, _, number = remote_id.rpartition(":")
        if not chat and self._settings.chat != self._chat:
            raise Gone(because("in_chat_before_move"))
        if not number.isdecimal():
            raise Rejected(because("telegram_no_id", id=remote_id))
        return chat or self._chat, int(number)

    def _parent(self, reply_to: str | None, chat: str) -> int | None:
        """The number of the message to reply to in `chat`; None where it isn't there."""
        if reply_to is None:
            return None
        parent_chat, _, number = reply_to.rpartition(":")
        return int(number) if (parent_chat or self._settings.chat) == chat and number.isdecimal() else None

    async def _load_picture(self, message: Message) -> LoadedPicture | None:
        # A caption holds a quarter of a message: words that don't fit are worth more than the picture.
        if message.image is None or utf16_units(message.plain) > _CAPTION:
            return None
        folder, name = self._resources.folder, self._name
        return await picture_along(message.image, folder, largest=_LARGEST_PICTURE, kinds=_PICTURE_KINDS, channel=name)


def _preview(message: Message) -> LinkPreviewOptions:
    """A preview of the alert's own page, never of an address that a feed happened to mention."""
    if message.link:
        return LinkPreviewOptions(url=message.link, prefer_small_media=True)
    return LinkPreviewOptions(is_disabled=True)
