"""A stand-in of the Telegram Bot API: one bot, administrator of every chat there could be."""

from __future__ import annotations

from collections.abc import Callable

from tocsin_sandbox.exchange import Answer, Asked
from tocsin_sandbox.settings import TELEGRAM_BOT_ID, TELEGRAM_MEMBERS, TELEGRAM_TOKEN, SandboxSettings
from tocsin_sandbox.state import Post, State
from tocsin_sandbox.telegram.answers import Refusal, failed, told
from tocsin_sandbox.telegram.calls import Call
from tocsin_sandbox.telegram.chats import Chats, Pace, administrator, bot
from tocsin_sandbox.telegram.inbox import Inbox
from tocsin_sandbox.telegram.messages import Messages
from tocsin_sandbox.telegram.talk import Talking


class Telegram:
    """The bot, its chats and the people in them. `answer` is the whole API, a function of the request and the state."""

    def __init__(self, settings: SandboxSettings, state: State) -> None:
        self._chats = Chats(state)
        self.inbox = Inbox()
        self.messages = Messages(state, self._chats, Pace() if settings.limits else None, self.inbox.left)
        self.talking = Talking(state, self.messages)
        self._methods: dict[str, Callable[[Call], Answer]] = {
            "getme": lambda _: told(bot()),
            "getchat": lambda call: told(self._chats.find(call.text("chat_id")).as_json()),
            "getchatmember": self._show_member,
            "getchatmembercount": self._count_members,
            "getchatadministrators": lambda _: told([administrator()]),
            "sendmessage": self.messages.send_text,
            "sendphoto": self.messages.send_photo,
            "editmessagetext": self.messages.edit_text,
            "editmessagecaption": self.messages.edit_caption,
            "editmessagereplymarkup": self.messages.edit_markup,
            "deletemessage": self.messages.delete,
            "pinchatmessage": lambda _: told(True),
            "getupdates": self.inbox.poll,
            "setwebhook": self.inbox.set_webhook,
            "deletewebhook": self.inbox.set_webhook,
            "getwebhookinfo": lambda _: told({"url": self.inbox.webhook, "pending_update_count": 0}),
            "answercallbackquery": self.inbox.answer_press,
            "setmycommands": lambda _: told(True),
        }

    def answer(self, asked: Asked) -> Answer:
        """What the Bot API says to this request."""
        token, _, method = asked.path.removeprefix("/bot").partition("/")
        if token != TELEGRAM_TOKEN:
            return failed(401) if token.partition(":")[0].isdecimal() else failed(404)
        act = self._methods.get(method.lower())
        if act is None or asked.method not in {"GET", "POST"}:
            return failed(404)
        if asked.broken:
            return failed(400, "Bad Request: can't parse JSON object")
        try:
            return act(Call.of(method, asked))
        except Refusal as refusal:
            return refusal.answer

    def put_foreign(self, chat_id: str, text: str, now: float) -> Post:
        """Let somebody else write into a chat. Raises Refusal."""
        return self.messages.put_foreign(chat_id, text, now)

    def _show_member(self, call: Call) -> Answer:
        chat, user = self._chats.find(call.text("chat_id")), call.text("user_id")
        if user == str(TELEGRAM_BOT_ID):
            return told(administrator())
        if chat.kind == "channel" and not self.inbox.admins:
            raise Refusal("Bad Request: user not found")
        status = "administrator" if (str(chat.id), user) in self.inbox.admins else "member"
        return told({"status": status, "user": {"id": int(user), "is_bot": False, "first_name": "Sandbox"}})

    def _count_members(self, call: Call) -> Answer:
        self._chats.find(call.text("chat_id"))
        return told(TELEGRAM_MEMBERS)
