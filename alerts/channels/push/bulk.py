"""One message to many browsers: the same words, encrypted for each, through its own push service.

Push services are few, and each has its own failures: one that is down is left alone, and its messages are deferred
(`SendOutcome.LATER`), while the others continue. A recipient that one refuses or asks to wait is deferred alone, unless
it does so to everybody (`service_state.py`). A slow one leaves the others their places (`places.py`). A host that only
a wildcard allows and that can't be resolved is somebody's invention: it is resolved twice, a quarter of an hour apart,
and then given up. An unanswered message is sent again and may be there already (`unsure`): `Topic` and `tag` are the
incident's, so that it replaces itself.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta

import structlog
from yarl import URL

from alerts.channels.answer import Answer, RequestPurpose, ask
from alerts.channels.push.encryption import LARGEST, TownKey, encrypted
from alerts.channels.push.places import ServicePlaces
from alerts.channels.push.service_state import NOWHERE_FOR, SILENT, PushServiceState, takers_of
from alerts.channels.push.services import LONGEST_WAIT, WAIT, PushAnswer, PushService, meaning_of, service_of
from alerts.channels.settings import PushSettings
from alerts.model.backoff import retry_after
from alerts.model.delivery import Bulk, SendOutcome, SendResult, Target
from alerts.model.errors import DeliveryError, Retry, SourceFailed
from alerts.model.ports import Resources
from alerts.model.post import PostKind
from alerts.model.subscriber import PushEndpoint

REFUSED, TOOK = "push key refused by", "push key taken by"
"""The facts that record which services refuse the key, for credential probes, and which subscribers accepted it."""
LONGEST_TTL = timedelta(days=28)
"""The longest time for which push services keep a message."""
TTL = timedelta(hours=4)
"""How long a message without an end is kept for a browser that is away."""
# While a service refuses the key, its file is read again this often: it may have been replaced.
KEY_READ_EVERY = timedelta(minutes=1)
# A host is resolved again after this, regardless of the time to live in the DNS.
ADDRESSES_FOR = timedelta(minutes=1)
SHORTEST_BODY = 120
"""Characters of the text that are kept if a service refuses a message as too long."""
# Hosts and services in memory, and services whose accepting subscribers are stored: strangers may invent any number.
_KEPT, _KEPT_TAKERS = 1000, 50
# WNS needs to be told that the message is raw bytes.
_WINDOWS = ".notify.windows.com"

Addresses = Callable[[URL, bool], Awaitable[list[str] | None]]
"""The IP addresses at which a host may be asked; None: any, as the town named the host itself."""

log = structlog.get_logger(__name__)


class PushBulk:
    """`alerts.model.ports.Tells` for browsers. Neither an endpoint nor the key appears in any log."""

    def __init__(self, name: str, settings: PushSettings, resources: Resources, addresses: Addresses) -> None:
        self._name = name
        self._settings = settings
        self._resources = resources
        self._addresses = addresses
        self._key: TownKey | None = None
        self._key_read: datetime | None = None
        self._states: dict[str, PushServiceState] = {}
        self._known: dict[str, PushServiceState | None] = {}
        self._places: dict[str, ServicePlaces] = {}
        self._reached: datetime | None = None
        self._last: tuple[object, str, bytes] = (None, "", b"")

    async def tell(self, target: Target) -> SendResult:
        """Make one attempt. Raises BadCredential if there is no key to sign with."""
        now = self._resources.clock.now()
        endpoint, key = target.endpoint, self._current_key(now)
        state = self._state_of(endpoint.url) if isinstance(endpoint, PushEndpoint) else None
        if state is None:  # not named any more
            return SendResult(target, SendOutcome.FAILED)
        places = self._places_of(state.service)
        # Checked before and after waiting for a slot: a resting service needs none, and may begin to rest meanwhile.
        state.use(key.public, self._takers(state.service, key))
        if (early := self._not_now(target, state)) is not None:
            return early
        if (place := await places.enter()) is None:
            return SendResult(target, SendOutcome.LATER, until=places.later())
        try:
            return self._not_now(target, state) or await self._attempt(target, state, key)
        finally:
            places.leave(place)

    def _places_of(self, service: PushService) -> ServicePlaces:
        if service.pattern not in self._places:
            self._places[service.pattern] = ServicePlaces(self._resources.clock, self._settings.in_flight)
        return self._places[service.pattern]

    def _not_now(self, target: Target, state: PushServiceState) -> SendResult | None:
        now = self._resources.clock.now()
        if state.is_given_up(now):
            return SendResult(target, SendOutcome.FAILED)
        until = state.waits_until(now, target.chat)
        return SendResult(target, SendOutcome.LATER, until=until) if until is not None else None

    async def _attempt(self, target: Target, state: PushServiceState, key: TownKey) -> SendResult:
        now = self._resources.clock.now()
        try:
            answer = await self._send(target, state, key, now)
        except (DeliveryError, SourceFailed) as error:
            if isinstance(error, SourceFailed) and state.may_be_made_up and self._others_answer(now):
                log.info("push.leads_nowhere", channel=self._name, service=state.service.pattern)
                state.leads_nowhere(now)
                return self._not_now(target, state) or SendResult(target, SendOutcome.FAILED)
            # An unsent request counts as no answer: nothing was delivered, and a repeat does no harm.
            never_left = isinstance(error, SourceFailed) or (isinstance(error, Retry) and not error.sent)
            state.silent += SILENT if isinstance(error, Retry) and never_left else 0
            log.info("push.unanswered", channel=self._name, service=state.service.origin, reason=str(error.reason))
            return SendResult(target, SendOutcome.LATER, until=state.says_nothing(now), unsure=not never_left)
        except ValueError:  # an address or keys that make no valid request: only this subscriber is affected
            log.warning("push.impossible", channel=self._name, service=state.service.origin)
            return SendResult(target, SendOutcome.FAILED)
        self._reached = self._resources.clock.now()
        return await self._result(target, state, key, answer)

    def _others_answer(self, now: datetime) -> bool:
        """True if a service answered lately: then the host's name is wrong, and this machine's network works."""
        return self._reached is not None and timedelta() <= now - self._reached < NOWHERE_FOR

    def _state_of(self, url: str) -> PushServiceState | None:
        """Return the state of that address's service. Returns None if it isn't an allowed one."""
        # Scheme and host identify the service, so this is decided once for each, not for each browser.
        place = url[: url.find("/", len("https://"))]
        if place not in self._known:
            service = service_of(f"{place}/", self._settings.services)
            known = self._state_at(service) if service else None
            self._known = {**dict(list(self._known.items())[-_KEPT:]), place: known}
        return self._known[place]

    def _state_at(self, service: PushService) -> PushServiceState:
        """Return the state of a service; of wildcard ones only the newest are kept, since strangers may invent many."""
        known = self._states.setdefault(service.origin, PushServiceState(service))
        if len(self._states) > _KEPT:
            allowed = {f"https://{each}" for each in self._settings.services} | {service.origin}
            allowed |= {f"http://{each}" for each in self._settings.services}
            del self._states[next(each for each in self._states if each not in allowed)]
        return known

    async def _result(self, target: Target, state: PushServiceState, key: TownKey, answer: Answer) -> SendResult:
        now, service = self._resources.clock.now(), state.service
        named = retry_after(answer.headers.get("Retry-After"), now, LONGEST_WAIT)
        match meaning_of(answer.status):
            case PushAnswer.TAKEN:
                return await self._taken(target, state, key)
            case PushAnswer.GONE:
                state.left(target.chat)
                return SendResult(target, SendOutcome.LEFT)
            case PushAnswer.WAIT:
                until = state.asks_to_wait(now, target.chat, named or now + WAIT)
                log.warning("push.asked_to_wait", channel=self._name, service=service.origin)
                return SendResult(target, SendOutcome.LATER, until=until)
            case PushAnswer.TROUBLE:
                until = max(named or now, state.says_nothing(now))
                return SendResult(target, SendOutcome.LATER, until=until, unsure=True)
            case PushAnswer.KEY:
                return await self._refused(target, state, key)
            case PushAnswer.TOO_LONG | PushAnswer.REFUSED:
                log.warning("push.refused", channel=self._name, service=service.origin, status=answer.status)
                return SendResult(target, SendOutcome.FAILED)

    async def _taken(self, target: Target, state: PushServiceState, key: TownKey) -> SendResult:
        # Another process may have recorded that the service refuses the key: the newest answer counts.
        if state.took != key.public or state.service.origin in refusing(self._resources):
            await self._remember(state.service, "")
        if state.answered(self._resources.clock.now(), target.chat):
            await self._keep_takers(state)
        return SendResult(target, SendOutcome.SENT)

    async def _refused(self, target: Target, state: PushServiceState, key: TownKey) -> SendResult:
        """Return a result to try again later: with the right key these browsers still accept messages."""
        again = state.refuses_key(self._resources.clock.now(), target.chat)
        if again is None:  # this browser subscribed under another key: only it is affected
            log.info("push.refused_alone", channel=self._name, service=state.service.origin)
            return SendResult(target, SendOutcome.FAILED)
        if state.refuses == key.public:
            log.error("push.key_refused", channel=self._name, service=state.service.origin)
            await self._remember(state.service, key.public)
        return SendResult(target, SendOutcome.LATER, until=again)

    async def _remember(self, service: PushService, key: str) -> None:
        known = refusing(self._resources)
        if known.get(service.origin, "") != key:
            known = {**known, service.origin: key}
            await self._resources.remember(REFUSED, json.dumps({at: each for at, each in known.items() if each}))

    def _takers(self, service: PushService, key: TownKey) -> Sequence[str]:
        """Return the subscribers who accepted a message under this key, at a service unused by this process so far."""
        state = self._states.get(service.origin)
        if state is not None and state.key == key.public:
            return ()
        return takers_of(json.loads(self._resources.recall(TOOK) or "{}"), service.origin, key.public)

    async def _keep_takers(self, state: PushServiceState) -> None:
        known = json.loads(self._resources.recall(TOOK) or "{}")
        known[state.service.origin] = {"key": state.key, "by": list(state.takers)}
        # A wildcard allows any number of hosts: only the newest are kept.
        await self._resources.remember(TOOK, json.dumps(dict(list(known.items())[-_KEPT_TAKERS:])))

    def _current_key(self, now: datetime) -> TownKey:
        """Return the town's key. While a service refuses it, the file is read again now and then."""
        refused = self._key is not None and any(each.refuses == self._key.public for each in self._states.values())
        if self._key is None or (refused and self._key_read is not None and now - self._key_read >= KEY_READ_EVERY):
            self._key, self._key_read = town_key(self._settings, self._resources), now
        return self._key

    async def _send(self, target: Target, state: PushServiceState, key: TownKey, now: datetime) -> Answer:
        words, headers = self._words(target), self._headers(target, state.service, key, now)
        answer = await self._post(target, state, headers, words)
        if meaning_of(answer.status) is PushAnswer.TOO_LONG:
            answer = await self._post(target, state, headers, shortened(words))
        return answer

    def _headers(self, target: Target, service: PushService, key: TownKey, now: datetime) -> dict[str, str]:
        # Microsoft asks for the last one since 2024.
        windows = {"X-WNS-Type": "wns/raw"} if service.host.endswith(_WINDOWS) else {}
        return {
            "Authorization": key.authorization(service.origin, self._settings.subject, now),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            **headers_of(target, now),
            **windows,
        }

    async def _post(self, target: Target, state: PushServiceState, headers: Mapping[str, str], words: bytes) -> Answer:
        assert isinstance(target.endpoint, PushEndpoint)  # noqa: S101 it has a service
        url = URL(target.endpoint.url, encoded=True)
        found = await self._look_up(url, state)
        return await ask(
            self._resources.session,
            "POST",
            # Connect to the address that was checked: resolving the name again may lead elsewhere.
            url.with_host(found[0]) if found else url,
            platform="the push service",
            act=RequestPurpose.EDIT,  # repeatable: the second message replaces the first
            timeout=self._settings.timeout,
            data=encrypted(target.endpoint, words),
            headers={**headers, "Host": url.host_port_subcomponent or ""} if found else headers,
            largest=16 * 1024,
            server_hostname=url.raw_host if found else None,
        )

    async def _look_up(self, url: URL, state: PushServiceState) -> list[str] | None:
        now = self._resources.clock.now()
        if state.looked_up is None or not timedelta() <= now - state.looked_up < ADDRESSES_FOR:
            # Keyed by service, not by browser: a thousand browsers of one service need one resolution.
            state.addresses = await self._addresses(url, state.service.named)
            state.looked_up = now
        return state.addresses

    def _words(self, target: Target) -> bytes:
        bulk, language, words = self._last
        if target.bulks[0] is not bulk or target.language != language:
            # Rendered once for all browsers of a language, which follow one another.
            words = payload_of(target)
            self._last = (target.bulks[0], target.language, words)
        return words


def town_key(settings: PushSettings, resources: Resources) -> TownKey:
    """Read the key that the settings name. Raises BadCredential."""
    return TownKey.read(settings.key.read(resources.folder).reveal())


def refusing(resources: Resources) -> dict[str, str]:
    """Return the services that refused a key of ours, with that key's public half."""
    known: dict[str, str] = json.loads(resources.recall(REFUSED) or "{}")
    return known


def headers_of(target: Target, now: datetime) -> dict[str, str]:
    """Return the headers: how long the service keeps the message, its urgency, and the message it replaces."""
    expires = target.bulks[0].expires
    left = TTL if expires is None else expires - now
    return {
        "TTL": str(max(int(min(left, LONGEST_TTL).total_seconds()), 1)),
        "Urgency": "high" if target.urgent else "normal",
        "Topic": topic_of(target.bulks[0].incident),
    }


def topic_of(incident: str) -> str:
    """Return a topic of 32 characters: the same for every message of an incident, and meaningless to the service."""
    return base64.urlsafe_b64encode(hashlib.sha256(f"topic {incident}".encode()).digest()[:24]).decode()


def payload_of(target: Target) -> bytes:
    """A declarative message: browsers that know it show it by themselves, for others the service worker does.

    Its `data` names the hazard, and how grave it is or that it is over: of that the service worker draws the picture,
    so that no telephone has to ask the town for one.
    """
    bulk = target.bulks[0]
    title, _, body = bulk.text(target.language).partition("\n")
    notification = {
        "title": title,
        "body": body.strip(),
        "navigate": bulk.links.get(target.language, "/"),
        "lang": target.language,
        "dir": "auto",
        "tag": bulk.incident,
        **_pictured(bulk),
    }
    words = _written(notification)
    return words if len(words) <= LARGEST else shortened(words)


def _pictured(bulk: Bulk) -> Mapping[str, object]:
    if bulk.hazard is None:
        return {}
    # An end isn't as grave as its alert: the same red would alarm again.
    look = {"over": True} if bulk.kind is PostKind.END else {"severity": bulk.notice.severity}
    return {"data": {"hazard": bulk.hazard, **look}}


def shortened(words: bytes) -> bytes:
    """Return the message with as little text as a lock screen shows."""
    notification = json.loads(words)["notification"]
    cut = notification["body"][:SHORTEST_BODY]
    return _written(
        {
            **notification,
            "title": notification["title"][:SHORTEST_BODY],
            "body": cut if cut == notification["body"] else f"{cut}…",
        }
    )


def _written(notification: Mapping[str, object]) -> bytes:
    return json.dumps({"web_push": 8030, "notification": notification}, ensure_ascii=False).encode()
