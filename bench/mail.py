"""One alert to many mailboxes: journalled and written for each, against bare aiosmtplib with the same letters.

Both speak to the same relay (aiosmtpd, in a process of its own) over as many connections. The first floor writes each
letter as ours does; the second has them written before the clock starts, so the difference between the two rows is what
writing costs. `python -m bench.mail` is the relay: it prints its port and ends with its standard input.
"""

from __future__ import annotations

import asyncio
import logging
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import aiohttp
from aiosmtpd import smtp
from aiosmtplib import SMTP

from alerts.channels.mail.bulk import MailBulk
from alerts.channels.settings import MailSettings
from alerts.model.delivery import Target
from alerts.model.subscriber import Mailbox, Subscriber
from alerts.rendering.i18n import sentence
from alerts.store.subscribers import Subscribers
from alerts.store.unit import transaction
from bench.bulk import a_bulk, resources_of, sending
from bench.loopback import serve, serving
from bench.measure import Row, in_turn_async
from bench.outbox import new_file

MAIL, SENDER = "lettre", "alertes@saint-martin.example"
PEOPLE, ROUNDS = 600, 5
IN_FLIGHT = MailSettings.model_fields["in_flight"].default


def measure() -> Iterator[Row]:
    """Letters a second, with writing them in the floor and without."""
    with serving("bench.mail") as port, tempfile.TemporaryDirectory(prefix="tocsin-bench-") as folder:
        yield asyncio.run(_against(port, Path(folder), beforehand=False))
        yield asyncio.run(_against(port, Path(folder), beforehand=True))


async def _against(port: int, folder: Path, *, beforehand: bool) -> Row:
    boxes = [Mailbox(f"n{number}@quais.example", f"{number:043}") for number in range(PEOPLE)]
    settings = MailSettings.model_validate(
        {
            "kind": "mail",
            "host": "127.0.0.1",
            "port": port,
            "tls": "none",
            "sender": SENDER,
            "subscriptions": True,
            "rate": 0,
        }
    )
    async with aiohttp.ClientSession() as session:
        tells = MailBulk(MAIL, settings, resources_of(session, folder), sentence)
        with new_file() as file:
            _subscribe(file, boxes)
            async with sending(file, tells, people=PEOPLE, channel=MAIL, in_flight=IN_FLIGHT) as ours:

                async def bare() -> float:
                    return await _bare(port, boxes, tells, beforehand=beforehand)

                taken = await in_turn_async(bare, ours.send, ROUNDS)
    floor = "written beforehand" if beforehand else "written as ours are"
    goal = 0.25 if beforehand else 0.6
    return Row(f"one alert to many mailboxes, bare aiosmtplib with letters {floor}", *taken, "/s", goal, True)


async def _bare(port: int, boxes: Sequence[Mailbox], tells: MailBulk, *, beforehand: bool) -> float:
    """The same letters, over as many connections, and nothing else: how many a second."""
    bulk = a_bulk("i", "a", MAIL)

    def email(box: Mailbox) -> bytes:
        return tells.email_to(Target(box.number, "fr", (bulk,), endpoint=box), box).content

    ready = {box: email(box) for box in boxes} if beforehand else {}
    rest = iter(boxes)

    async def one_after_the_other() -> None:
        async with SMTP(
            hostname="127.0.0.1", port=port, start_tls=False, local_hostname="saint-martin.example"
        ) as relay:
            for box in rest:
                await relay.sendmail(SENDER, box.address, ready.get(box) or email(box))

    began = time.perf_counter()
    await asyncio.gather(*(one_after_the_other() for _ in range(IN_FLIGHT)))
    return PEOPLE / (time.perf_counter() - began)


def _subscribe(file: Path, boxes: Sequence[Mailbox]) -> None:
    from alerts.store.files import opened  # noqa: PLC0415

    with opened(file) as db, transaction(db):
        for number, each in enumerate(boxes):
            Subscribers(db).put(MAIL, Subscriber(each.number, endpoint=each, token=str(number)))


class _Takes:
    async def handle_DATA(self, _server: smtp.SMTP, _session: smtp.Session, _envelope: smtp.Envelope) -> str:  # noqa: N802
        return "250 2.0.0 kept"


async def _serve() -> None:
    logging.getLogger("mail.log").setLevel(logging.ERROR)
    loop = asyncio.get_running_loop()
    await serve(lambda: smtp.SMTP(_Takes(), loop=loop))


if __name__ == "__main__":
    asyncio.run(_serve())
