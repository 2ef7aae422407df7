"""python-telegram-bot over the one shared aiohttp session, without ever giving it the token.

The library writes the address, token included, into its log and into the text of an error; so it is given a
placeholder, which is replaced by the token on the way out.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar

import aiohttp
from telegram.error import TelegramError
from telegram.request import BaseRequest, RequestData

from alerts.channels.answer import Answer, RequestPurpose, ask, count_of, unclear, unreadable
from alerts.channels.telegram.answers import Complaint, complaint_of
from alerts.model.bounds import table
from alerts.model.errors import DeliveryError, Retry
from alerts.model.ports import Resources
from alerts.model.reason import because
from alerts.model.town import Secret

PLACEHOLDER = "0:token"
"""The library's placeholder for the token."""

# Methods that aren't here only read.
_ACTS = {
    "sendMessage": RequestPurpose.PUBLISH,
    "sendPhoto": RequestPurpose.PUBLISH,
    "editMessageText": RequestPurpose.EDIT,
    "editMessageCaption": RequestPurpose.EDIT,
    "deleteMessage": RequestPurpose.DELETE,
}
_JSON = {"Content-Type": "application/json"}

T = TypeVar("T")


class Unheard(TelegramError):
    """There is no answer of the Bot API; `outcome` says what that means."""

    def __init__(self, outcome: DeliveryError) -> None:
        super().__init__(str(outcome.reason))
        self.outcome = outcome


class Complained(TelegramError):
    """The Bot API answered that it won't."""

    def __init__(self, complaint: Complaint) -> None:
        super().__init__(complaint.words)
        self.complaint = complaint


class Wire(BaseRequest):
    """The library's way to the network."""

    def __init__(self, resources: Resources, timeout: timedelta, token: Secret) -> None:
        self._resources = resources
        self._timeout = timeout
        self._token = token

    @property
    def read_timeout(self) -> float:
        """Seconds within which an answer must come."""
        return self._timeout.total_seconds()

    async def initialize(self) -> None:
        """Nothing to do: the session is the process's."""

    async def shutdown(self) -> None:
        """Nothing to do: the session is the process's."""

    async def do_request(
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        *_timeouts: Any,  # the library's four; one time-out is for all
        **_named_timeouts: Any,
    ) -> tuple[int, bytes]:
        """Send one request. Raises Unheard or Complained for whatever isn't done, and nothing else."""
        headers = None if request_data is not None and request_data.contains_files else _JSON
        answer, act = await self._answer_to(url, method, _encode(request_data), headers)
        value = answer.read() or {}
        if answer.ok and value.get("ok") is True and (body := _readable(answer.body, value.get("result"), act)):
            return answer.status, body
        raise _refusal(answer, act)

    async def send_text(self, url: str, said: Mapping[str, object]) -> int:
        """Send a message without the library, which takes three times as long; returns the message's number.

        `url` is the library's own of `sendMessage`. Raises Unheard or Complained.
        """
        answer, act = await self._answer_to(url, "POST", json.dumps(said).encode(), _JSON)
        body = answer.read() or {}
        number = count_of(table(body.get("result")).get("message_id"))
        if answer.ok and body.get("ok") is True and number is not None:
            return number
        raise _refusal(answer, act)

    async def _answer_to(
        self, url: str, method: str, data: bytes | aiohttp.FormData | None, headers: Mapping[str, str] | None
    ) -> tuple[Answer, RequestPurpose]:
        """Return the answer to a request, whatever it says, and the request's purpose. Raises Unheard."""
        act = _ACTS.get(url.rpartition("/")[2], RequestPurpose.READ)
        # From here on the address holds the token: nothing below may log it or put it into an error.
        address = url.replace(PLACEHOLDER, self._token.reveal(), 1)
        request = partial(
            ask,
            self._resources.session,
            method,
            address,
            platform="Telegram",
            act=act,
            timeout=self._timeout,
            data=data,
            headers=headers,
        )
        try:
            return await self._in_turn(request, act), act
        except DeliveryError as error:
            raise Unheard(error) from None

    async def _in_turn(self, request: Callable[[], Awaitable[Answer]], act: RequestPurpose) -> Answer:
        """Make a request; a writing one waits for the bot's rate limit if the bot also talks to subscribers."""
        pace = self._resources.pace
        if pace is None or act is RequestPurpose.READ:
            return await request()
        if (wait := pace.halted_for) > 0:
            until = self._resources.clock.now() + timedelta(seconds=wait)
            raise Retry(because("bot_still_waits", seconds=f"{wait:.0f}"), until, whole_channel=True)
        async with pace.direct():
            return await request()


def _refusal(answer: Answer, act: RequestPurpose) -> Complained | Unheard:
    """Return what an answer means that isn't what was asked for."""
    complaint = complaint_of(answer)
    return Unheard(unreadable("Telegram", answer, act)) if complaint is None else Complained(complaint)


async def heard(call: Awaitable[T], act: RequestPurpose) -> T:
    """Return the result of the library's call. Raises Complained, or the error for a missing answer."""
    try:
        return await call
    except Complained:
        raise
    except Unheard as error:
        failure = error.outcome
    # What has another shape than Telegram's answers makes the library stumble where it makes its objects of it.
    except (TelegramError, TypeError, ValueError, LookupError, AttributeError) as error:
        failure = unclear(because("telegram_library_failed", error=type(error).__name__), act)
    raise failure  # out here, so that no text of the library's is its context


def _readable(body: bytes, result: object, act: RequestPurpose) -> bytes | None:
    """The answer as the library can read it; None where it can't.

    Of a message that was sent it takes the number, time and chat for granted, and nothing else is of use here: making
    objects of the rest would be a third of the time of a call.
    """
    if act is not RequestPurpose.PUBLISH:
        return None if result is None else body
    if not isinstance(result, dict) or count_of(result.get("message_id")) is None:
        return None
    chat = result.get("chat")
    if "date" not in result or not isinstance(chat, dict) or not {"id", "type"} <= chat.keys():
        return None
    kept = {
        "message_id": result["message_id"],
        "date": result["date"],
        "chat": {"id": chat["id"], "type": chat["type"]},
    }
    return json.dumps({"ok": True, "result": kept}).encode()


def _encode(request: RequestData | None) -> bytes | aiohttp.FormData | None:
    if request is None:
        return None
    if not request.contains_files:
        return json.dumps(request.parameters).encode()
    form = aiohttp.FormData(request.json_parameters)
    for name, (file_name, content, mime_type) in request.multipart_data.items():
        form.add_field(name, content, filename=file_name, content_type=mime_type)
    return form
