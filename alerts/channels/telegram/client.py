"""The bot's side of conversations: it gets people's updates from Telegram and sends the answers, one at a time."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from contextlib import nullcontext, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp

from alerts.channels.answer import LARGEST, LARGEST_LIST, RequestPurpose, ask, count_of, id_of, quote, unreadable
from alerts.channels.settings import TelegramSettings, read_credential
from alerts.channels.telegram.answers import Complaint, chat_in, complaint_of, outcome
from alerts.model.bounds import table, tables
from alerts.model.errors import BadCredential, ChatMoved, DeliveryError, Gone, Occupied, ReaderGone, Rejected, Retry
from alerts.model.ports import Discussion, Keyboard, Pace, Resources
from alerts.model.reason import because
from alerts.model.town import Secret

# Telegram sends only the kinds that are asked for; the others would be handled for nothing.
_ALLOWED = ("message", "callback_query", "my_chat_member")
# What is asked for beside by who hears: the rest of what people do is theirs, as who likes what.
_HEARD = ("edited_message", "message_reaction_count")
_JSON = {"Content-Type": "application/json"}
_ADMINS = ("creator", "administrator")
# Messages that are asked for at once: the longest, with what they answer and their formats, fit into one answer.
_MOST = 30
# Below the 1,024 units that Telegram allows.
_CAPTION = 1000
# A file's path goes into an address with the token: nothing else may be smuggled into it.
_FILE = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_./-]{0,199}")


class TelegramClient:
    """`alerts.model.ports.BotClient` over the daemon's HTTP session. No error of it names a chat."""

    def __init__(self, settings: TelegramSettings, resources: Resources, pace: Pace | None) -> None:
        self._settings = settings
        self._resources = resources
        self._pace = pace
        self._token: Secret | None = None
        self._allowed = [*_ALLOWED, *(_HEARD if settings.hears else ())]

    async def say(
        self, chat: int, text: str, keyboard: Keyboard | None = None, edit: int | None = None, reply: int | None = None
    ) -> int:
        """`sendMessage`, or `editMessageText`; of a message that can't be edited any more, a new one is made."""
        body: dict[str, object] = {
            "chat_id": chat,
            "text": text,
            "parse_mode": "HTML",
            "link_preview_options": {"is_disabled": True},
        }
        if edit is not None:
            edited = {**body, "message_id": edit, "reply_markup": keyboard or _BARE}
            # Deleted, or too old to be edited.
            with suppress(Gone):
                await self._call("editMessageText", edited, RequestPurpose.EDIT)
                return edit
        if keyboard is not None and keyboard != _BARE:
            body["reply_markup"] = keyboard
        if reply is not None:
            body["reply_parameters"] = {"message_id": reply, "allow_sending_without_reply": True}
        result = await self._call("sendMessage", body, RequestPurpose.PUBLISH)
        return count_of(table(result).get("message_id")) or 0

    async def show(self, chat: int, picture: str, caption: str) -> int:
        """`sendPhoto`. Raises Rejected for a file that can't be read."""
        try:
            content = await asyncio.to_thread(Path(picture).read_bytes)
        except OSError as error:
            raise Rejected(because("picture_unreadable", said=error.strerror or "")) from None
        form = aiohttp.FormData({"chat_id": str(chat), "caption": caption[:_CAPTION]})
        form.add_field("photo", content, filename="picture")
        result = await self._call("sendPhoto", form, RequestPurpose.PUBLISH)
        return count_of(table(result).get("message_id")) or 0

    async def fetch(self, file: str, most: int) -> bytes:
        """`getFile`, and then the file from where that says."""
        result = table(await self._call("getFile", {"file_id": file}, RequestPurpose.READ))
        path, size = result.get("file_path"), count_of(result.get("file_size"))
        # A Bot API server of one's own may tell a path of its own machine, where there is nothing for us.
        if not isinstance(path, str) or not _FILE.fullmatch(path) or ".." in path or (size is not None and size > most):
            raise Rejected(because("photo_unfetched"))
        self._token = token = self._token or read_credential(self._settings.token, self._resources.folder)
        answer = await ask(
            self._resources.session,
            "GET",
            f"{self._settings.api_url}/file/bot{token.reveal()}/{path}",
            platform="Telegram",
            act=RequestPurpose.READ,
            timeout=self._settings.timeout,
            largest=most,
            whole=True,
        )
        # Of a file that is too large the status alone was taken.
        if not answer.ok or not answer.body:
            raise Rejected(because("photo_unfetched"))
        return answer.body

    async def me(self) -> str:
        """`getMe`. The token is read anew before, so that one that was changed is taken without a restart."""
        self._token = None
        result = await self._call("getMe", {}, RequestPurpose.READ)
        return id_of(table(result).get("username")) or ""

    async def updates(self, offset: int, seconds: float) -> Sequence[Mapping[str, Any]]:
        """`getUpdates`, with as much time again for the answer as any other call has."""
        body = {"offset": offset, "timeout": int(seconds), "limit": _MOST, "allowed_updates": self._allowed}
        longest = self._settings.timeout + timedelta(seconds=seconds)
        return tables(await self._call("getUpdates", body, RequestPurpose.READ, longest))

    async def answer_press(self, press: str, toast: str) -> None:
        """`answerCallbackQuery`. One that is too old is no trouble: nobody waits for it any more."""
        body = {"callback_query_id": press, **({"text": toast[:200]} if toast else {})}
        await self._call("answerCallbackQuery", body, RequestPurpose.EDIT)

    async def is_admin(self, chat: int, user: int) -> bool:
        """`getChatMember`."""
        result = await self._call("getChatMember", {"chat_id": chat, "user_id": user}, RequestPurpose.READ)
        return table(result).get("status") in _ADMINS

    async def discussion(self, chat: str) -> Discussion:
        """`getChat`, whose `linked_chat_id` is the group of a channel, then `getMe` and our rights there."""
        result = table(await self._call("getChat", {"chat_id": chat}, RequestPurpose.READ))
        channel = chat_in(result.get("id")) or 0
        if result.get("type") != "channel":  # people answer in the very group that is posted to
            return await self._rights(channel, channel)
        group = chat_in(result.get("linked_chat_id"))
        if group is None:
            deaf = because("telegram_no_discussion", chat=chat)
            return Discussion(channel, None, deaf, (deaf,))
        return await self._rights(channel, group)

    async def _rights(self, channel: int, group: int) -> Discussion:
        """Return the bot's rights in the group. As administrator it reads all; else its privacy mode decides."""
        me = table(await self._call("getMe", {}, RequestPurpose.READ))
        account = f"@{id_of(me.get('username')) or ''}"
        try:
            asked = {"chat_id": group, "user_id": count_of(me.get("id")) or 0}
            member = table(await self._call("getChatMember", asked, RequestPurpose.READ))
        except ReaderGone:
            member = {}
        if member.get("status", "left") in ("left", "kicked"):
            deaf = because("telegram_not_in_discussion", account=account)
            return Discussion(channel, None, deaf, (deaf,))
        is_admin = member.get("status") in _ADMINS
        if not is_admin and me.get("can_read_all_group_messages") is not True:
            deaf = because("telegram_privacy_mode", account=account)
            return Discussion(channel, group, deaf, (deaf,))
        rights = ("can_delete_messages", "can_restrict_members") if member.get("status") == "administrator" else ()
        if is_admin and all(member.get(right) is not False for right in rights):
            return Discussion(channel, group)
        return Discussion(channel, group, warnings=(because("telegram_may_not_moderate", account=account),))

    async def listen_at(self, url: str, secret: str) -> None:
        """`setWebhook`."""
        body = {"url": url, "secret_token": secret, "allowed_updates": self._allowed}
        await self._call("setWebhook", body, RequestPurpose.EDIT)

    async def listen_by_asking(self) -> None:
        """`deleteWebhook`; what waits there is kept."""
        await self._call("deleteWebhook", {}, RequestPurpose.EDIT)

    async def list_commands(self, commands: Mapping[str, str], language: str | None) -> None:
        """`setMyCommands`."""
        listed = [{"command": name, "description": words} for name, words in commands.items()]
        body = {"commands": listed, **({"language_code": language} if language else {})}
        await self._call("setMyCommands", body, RequestPurpose.EDIT)

    async def _call(
        self,
        method: str,
        body: Mapping[str, Any] | aiohttp.FormData,
        act: RequestPurpose,
        longest: timedelta | None = None,
    ) -> object:
        """The result of one call, in its turn; asking for updates waits for no turn."""
        # A long poll would hold the turn that answers need for half a minute.
        turn = nullcontext() if self._pace is None or method == "getUpdates" else self._pace.direct()
        async with turn:
            return await self._ask(method, body, act, longest or self._settings.timeout)

    async def _ask(
        self, method: str, body: Mapping[str, Any] | aiohttp.FormData, act: RequestPurpose, longest: timedelta
    ) -> object:
        self._token = token = self._token or read_credential(self._settings.token, self._resources.folder)
        answer = await ask(
            self._resources.session,
            "POST",
            f"{self._settings.api_url}/bot{token.reveal()}/{method}",
            platform="Telegram",
            act=act,
            timeout=longest,
            data=body if isinstance(body, aiohttp.FormData) else json.dumps(body).encode(),
            headers=None if isinstance(body, aiohttp.FormData) else _JSON,
            largest=LARGEST_LIST if method == "getUpdates" else LARGEST,
        )
        said = answer.read() or {}
        if answer.ok and said.get("ok") is True:
            return said.get("result")
        complaint = complaint_of(answer)
        if complaint is None:
            raise unreadable("Telegram", answer, act)
        # Pressed twice, a button makes the same screen twice.
        if complaint.not_modified:
            return None
        raise self._read(complaint, act)

    def _read(self, complaint: Complaint, act: RequestPurpose) -> DeliveryError:
        said, now = quote(complaint.words), self._resources.clock.now()
        if complaint.migrated_to is not None:
            return ChatMoved(because("chat_moved", said=said), complaint.migrated_to)
        if complaint.reader_left:
            return ReaderGone(because("reader_left", said=said))
        # Another program asks with the same token, or a webhook is set: sending goes on, listening can't.
        if complaint.status == 409:
            return Occupied(because("bot_occupied", said=said))
        error = outcome(complaint, act, now)
        if isinstance(error, BadCredential):
            self._token = None  # it may be another one by now
        if isinstance(error, Retry) and error.after is not None and complaint.status == 429 and self._pace:
            self._pace.halt((error.after - now).total_seconds())
        return error


# An edit names its keyboard in any case; an empty one removes the buttons.
_BARE: Keyboard = {"inline_keyboard": []}
