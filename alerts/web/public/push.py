"""Subscribing to push, without an account: a browser's page gives an endpoint and choices, and gets a token for them.

GET    /push/key                      the key under which a browser subscribes
POST   /push/subscriptions            {"endpoint", "keys": {"p256dh", "auth"}, "choices": {…}} → 201 {"token"}
PUT    /push/subscriptions/{token}    {"choices": {…}}: these take the place of what was chosen; with "endpoint" and
                                      "keys", of where that browser is reached, too
DELETE /push/subscriptions/{token}    everything about that browser is gone

Nothing is known of who asks but that endpoint, and the token is kept as a digest. Endpoints are strangers' addresses:
where none of the named push services is, nothing is kept. Whoever sends the same endpoint again gets a new token, and
the old one opens nothing any more. Networks are paced by digests under a secret of the day, as with questions.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Annotated, Any

from aiohttp import web
from pydantic import ConfigDict, StringConstraints, ValidationError

from alerts.access.sessions import digest
from alerts.desk.service import DeskService
from alerts.desk.unit import DeskUnit
from alerts.model.bounds import bounded, seen
from alerts.model.errors import BadCredential
from alerts.model.reason import Reason, because
from alerts.model.subscriber import MOST_ADDRESSES, PushEndpoint, Subscriber
from alerts.model.town import PUSH
from alerts.rendering.i18n import reason_json
from alerts.web.console.arrival import address_of
from alerts.web.pages import best_of
from alerts.web.posted import must_be_from_here, received
from alerts.web.public.asking import QuestionPace
from alerts.web.public.choices import StrictBody, SubscriberChoices, SubscriberPlaces, by_choice
from alerts.web.public.snapshot import Setting

MOST_BYTES = 64 * 1024
LONGEST_FIELD = 80
A_NETWORK, ALL_NETWORKS = 200, 20_000
"""Subscriptions and changes in ten minutes, of one network (mobile ones have few addresses for many) and of all."""
_ONE = "/push/subscriptions/{token}"
_NO_STORE = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


class PushKeys(StrictBody):
    """The two keys of `PushSubscription.toJSON()`."""

    p256dh: Annotated[str, StringConstraints(max_length=100)]
    auth: Annotated[str, StringConstraints(max_length=40)]


class NewPushSubscription(StrictBody):
    """The body of a POST: the content of a browser's `toJSON()`, and the choices."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    endpoint: Annotated[str, StringConstraints(max_length=1000)]
    keys: PushKeys
    choices: SubscriberChoices = SubscriberChoices()


class ChangedPushSubscription(StrictBody):
    """The body of a PUT; with a browser's `toJSON()` if its endpoint changes."""

    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)

    choices: SubscriberChoices
    endpoint: Annotated[str, StringConstraints(max_length=1000)] | None = None
    keys: PushKeys | None = None


@dataclass(frozen=True, slots=True)
class PushEnrolment:
    """The channel's knowledge: the town's public `key` (raises BadCredential), and the valid endpoints and keys."""

    key: Callable[[], str]
    is_known: Callable[[str], bool]
    is_readable: Callable[[str, str], bool]


class _Refusal(Exception):
    def __init__(self, status: HTTPStatus, reason: Reason) -> None:
        super().__init__()
        self.status = status
        self.reason = reason


class PushPages:
    """Takes subscriptions for one town."""

    def __init__(self, setting: Setting, service: DeskService, enrolment: PushEnrolment) -> None:
        self._setting = setting
        self._service = service
        self._enrolment = enrolment
        self._codes = frozenset(each.code for each in setting.town.districts)
        self._pace = QuestionPace(a_network=A_NETWORK, all_networks=ALL_NETWORKS)
        self._places = SubscriberPlaces(service, PUSH, MOST_ADDRESSES)

    def routes(self) -> list[web.RouteDef]:
        """The four addresses."""
        return [
            web.get("/push/key", self._answering(self._key)),
            web.post("/push/subscriptions", self._answering(self._subscribe)),
            web.put(_ONE, self._answering(self._change)),
            web.delete(_ONE, self._answering(self._leave)),
        ]

    def _answering(self, handle: Callable[[web.Request], Any]) -> Callable[[web.Request], Any]:
        async def answer(request: web.Request) -> web.Response:
            try:
                response: web.Response = await handle(request)
            except _Refusal as refusal:
                language = self._language(request)
                words = reason_json(refusal.reason, language, self._setting.town.zone)
                return _json({"error": words["reason"], "reason_code": words["reason_code"]}, refusal.status)
            return response

        return answer

    async def _key(self, _: web.Request) -> web.Response:
        try:
            key = self._enrolment.key()
        except BadCredential as error:
            raise _Refusal(HTTPStatus.SERVICE_UNAVAILABLE, error.reason) from None
        return _json({"key": key})

    async def _subscribe(self, request: web.Request) -> web.Response:
        wanted = await self._read(request, NewPushSubscription)
        endpoint = self._endpoint_of(wanted.endpoint, wanted.keys)
        token = secrets.token_urlsafe(32)
        plain = Subscriber(endpoint.number, endpoint=endpoint, token=digest(token))
        subscriber = self._chosen(plain, wanted.choices, self._language(request))
        await self._places.count()

        def keep(unit: DeskUnit) -> bool:
            if not self._places.has_one_for(unit, subscriber.chat):
                return False
            unit.subscribers.put(PUSH, subscriber)
            return True

        if not await self._service.keep(keep):
            raise _Refusal(HTTPStatus.SERVICE_UNAVAILABLE, because("push_full"))
        return _json({"token": token}, HTTPStatus.CREATED)

    async def _change(self, request: web.Request) -> web.Response:
        wanted = await self._read(request, ChangedPushSubscription)
        choices, known_by = wanted.choices, digest(request.match_info["token"])
        elsewhere = None if wanted.endpoint is None else self._endpoint_of(wanted.endpoint, wanted.keys)

        def keep(unit: DeskUnit) -> bool:
            known = unit.subscribers.by_token(PUSH, known_by)
            if known is not None and elsewhere is not None and elsewhere.number != known.chat:
                _must_be_no_officers(unit, known)
                # Everything goes along: which alerts it had, so that it is told their end.
                unit.subscribers.moved(PUSH, known.chat, elsewhere.number)
                known = replace(known, chat=elsewhere.number)
            if known is not None:
                known = replace(known, endpoint=elsewhere or known.endpoint)
                unit.subscribers.put(PUSH, self._chosen(known, choices, known.language))
            return known is not None

        self._choices_of_here(choices)
        if not await self._service.keep(keep):
            raise _Refusal(HTTPStatus.NOT_FOUND, because("push_token_unknown"))
        return _json({"choices": choices.model_dump(mode="json")})

    async def _leave(self, request: web.Request) -> web.Response:
        known_by = digest(request.match_info["token"])

        def forget(unit: DeskUnit) -> bool:
            known = unit.subscribers.by_token(PUSH, known_by)
            if known is not None:
                _must_be_no_officers(unit, known)
                unit.subscribers.forget(PUSH, known.chat)
            return known is not None

        if not await self._service.keep(forget):
            raise _Refusal(HTTPStatus.NOT_FOUND, because("push_token_unknown"))
        return web.Response(status=HTTPStatus.NO_CONTENT, headers=_NO_STORE)

    def _endpoint_of(self, url: str, keys: PushKeys | None) -> PushEndpoint:
        """Where a browser is reached. Raises _Refusal for what is no push service of ours, and for no keys."""
        if not self._enrolment.is_known(url):
            raise _Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, because("push_service_unknown"))
        if keys is None or not self._enrolment.is_readable(keys.p256dh, keys.auth):
            raise _Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, because("push_keys_wrong"))
        return PushEndpoint(url, keys.p256dh, keys.auth)

    async def _read(self, request: web.Request, model: type[Any]) -> Any:
        """The body, from our own page or a program, and not too often from one network. Raises _Refusal."""
        # Another site's page may not subscribe its readers: it could neither send JSON nor hide where it is from.
        try:
            must_be_from_here(request)
        except web.HTTPForbidden:
            raise _Refusal(HTTPStatus.FORBIDDEN, because("push_from_elsewhere")) from None
        if request.content_type != "application/json":
            raise _Refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, because("push_malformed"))
        address = address_of(request, self._setting.town.web.trusted)
        if not self._pace.takes(address, self._service.now()):
            raise _Refusal(HTTPStatus.TOO_MANY_REQUESTS, because("push_too_many"))
        try:
            body = await received(request, MOST_BYTES)
        except web.HTTPRequestEntityTooLarge:
            raise _Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, because("push_too_large")) from None
        try:
            return model.model_validate_json(body)
        except ValidationError as error:
            raise _Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, _fault(error)) from None

    def _chosen(self, subscriber: Subscriber, choices: SubscriberChoices, language: str) -> Subscriber:
        self._choices_of_here(choices)
        spoken = choices.language if choices.language in self._setting.languages else language
        return by_choice(subscriber, choices, spoken or language)

    def _choices_of_here(self, choices: SubscriberChoices) -> None:
        """Raise _Refusal for an unknown district: it would never get a message."""
        strange = sorted(set(choices.districts) - self._codes)
        if strange:
            raise _Refusal(
                HTTPStatus.UNPROCESSABLE_ENTITY, because("push_district_unknown", code=repr(strange[0][:40]))
            )

    def _language(self, request: web.Request) -> str:
        known = self._setting.languages
        return best_of(known, request.headers.get("Accept-Language"), known[0])


def _must_be_no_officers(unit: DeskUnit, known: Subscriber) -> None:
    """Raise _Refusal for a device that an officer is called at: that is moved and ended by their account alone.

    Whatever runs in a page of the town reads the token, which opens nothing else than what it was given for.
    """
    if unit.officer_chats.linked(PUSH, known.chat) is not None:
        raise _Refusal(HTTPStatus.FORBIDDEN, because("push_of_officer"))


def _fault(error: ValidationError) -> Reason:
    """Which field is wrong, where it is a body with fields; a stranger may have made up its name."""
    where = ".".join(str(each) for each in error.errors(include_input=False, include_url=False)[0]["loc"])
    field = seen(bounded(where, LONGEST_FIELD))
    return because("push_field_wrong", field=field) if field else because("push_malformed")


def _json(body: dict[str, Any], status: HTTPStatus = HTTPStatus.OK) -> web.Response:
    text = json.dumps(body, ensure_ascii=False)
    return web.Response(text=text, status=status, content_type="application/json", headers=_NO_STORE)
