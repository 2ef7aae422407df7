"""One alert to many browsers: journalled and encrypted for each, against bare aiohttp that sends the same requests.

The first floor encrypts as ours does, message by message; the second has them encrypted before the clock starts, so the
difference between the two rows is what encrypting costs.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import aiohttp
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from yarl import URL

from alerts.channels.push.bulk import PushBulk, headers_of, payload_of, town_key
from alerts.channels.push.encryption import encrypted, new_key, unpadded
from alerts.channels.settings import PushSettings
from alerts.model.delivery import Target
from alerts.model.ports import SystemClock
from alerts.model.subscriber import PushEndpoint, Subscriber
from alerts.model.town import PUSH
from alerts.store.subscribers import Subscribers
from alerts.store.unit import transaction
from bench.bulk import IN_FLIGHT, a_bulk, resources_of, sending
from bench.loopback import loopback
from bench.measure import Row, in_turn_async
from bench.outbox import new_file

PEOPLE, ROUNDS = 3000, 7


def measure() -> Iterator[Row]:
    """Messages a second, with encryption in the floor and without."""
    with loopback() as url, tempfile.TemporaryDirectory(prefix="tocsin-bench-") as folder:
        (Path(folder) / "push.pem").write_text(new_key())
        yield asyncio.run(_against(url, Path(folder), beforehand=False))
        yield asyncio.run(_against(url, Path(folder), beforehand=True))


async def _against(url: str, folder: Path, *, beforehand: bool) -> Row:
    browsers = _browsers(url)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=200)) as session:
        resources = resources_of(session, folder)
        settings = PushSettings.model_validate(
            {"key": {"file": "push.pem"}, "subject": "mailto:a@b.example", "services": [url.removeprefix("http://")]}
        )
        tells = PushBulk(PUSH, settings, resources, _anywhere)
        authorization = town_key(settings, resources).authorization(url, settings.subject, SystemClock().now())
        with new_file() as file:
            _subscribe(file, browsers)
            async with sending(file, tells, people=PEOPLE, channel=PUSH) as ours:

                async def bare() -> float:
                    return await _bare(session, browsers, authorization, beforehand=beforehand)

                taken = await in_turn_async(bare, ours.send, ROUNDS)
    floor = "encrypted beforehand" if beforehand else "encrypted as ours are"
    return Row(
        f"one alert to many browsers, bare aiohttp with requests {floor}",
        *taken,
        "/s",
        0.15 if beforehand else 0.6,
        True,
    )


async def _bare(
    session: aiohttp.ClientSession, browsers: Sequence[PushEndpoint], authorization: str, *, beforehand: bool
) -> float:
    """The same requests, as many under way, and nothing else: how many a second."""
    bulk = a_bulk("i", "a", PUSH)
    target = Target(1, "fr", (bulk,))
    words, marks = payload_of(target), headers_of(target, SystemClock().now())
    headers = {**marks, "Authorization": authorization, "Content-Encoding": "aes128gcm"}
    addresses = {each: URL(each.url) for each in browsers}
    ready = {each: encrypted(each, words) for each in browsers} if beforehand else {}
    rest = iter(browsers)

    async def one_after_the_other() -> None:
        for each in rest:
            body = ready.get(each) or encrypted(each, words)
            async with session.post(addresses[each], data=body, headers=headers) as answer:
                await answer.read()

    began = time.perf_counter()
    await asyncio.gather(*(one_after_the_other() for _ in range(IN_FLIGHT)))
    return PEOPLE / (time.perf_counter() - began)


async def _anywhere(_: URL, named: bool) -> list[str] | None:
    """The loopback is named."""
    assert named
    return None


def _browsers(url: str) -> list[PushEndpoint]:
    form = serialization.PublicFormat.UncompressedPoint
    public = ec.generate_private_key(ec.SECP256R1()).public_key()
    key = unpadded(public.public_bytes(serialization.Encoding.X962, form))
    return [PushEndpoint(f"{url}/wpush/{number}", key, unpadded(b"s" * 16)) for number in range(PEOPLE)]


def _subscribe(file: Path, browsers: Sequence[PushEndpoint]) -> None:
    from alerts.store.files import opened  # noqa: PLC0415

    with opened(file) as db, transaction(db):
        for number, each in enumerate(browsers):
            districts = frozenset({"D1"}) if number % 2 else frozenset()
            subscriber = Subscriber(each.number, districts=districts, endpoint=each, token=str(number))
            Subscribers(db).put(PUSH, subscriber)
