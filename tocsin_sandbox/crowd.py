"""Many people at one place who report to a town, as they would by an app: for a first look at what a crowd comes to.

They report to the daemon's API (`POST /api/v1/reports`) by a token of role `reporter`, each under a `source` of their
own. Their places fill a circle evenly and are the same each time. The town and the token are given once: they are
remembered until the sandbox ends, and the token is shown nowhere.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from secrets import token_hex
from typing import Annotated, Any

import aiohttp
from pydantic import BaseModel, ConfigDict, Field

from tocsin_sandbox.people import Impossible

MOST_PEOPLE = 500
PATIENCE = aiohttp.ClientTimeout(total=60)
_GOLDEN = math.pi * (3 - math.sqrt(5))
_DEGREE = 111_320.0
Coordinate = Annotated[float, Field(ge=-180, le=180)]


class ReportingCrowd(BaseModel):
    """The body of `POST /sandbox/reports`: `count` people report `kind` within `spread` metres of a place.

    `people` is how many of them are different ones (all, without it); `text` is what each says. `town` and `token` are
    the daemon's address and a token of role `reporter`; without them those of before.
    """

    model_config = ConfigDict(extra="forbid")

    kind: str = Field(default="flooding", min_length=1, max_length=40)
    count: Annotated[int, Field(ge=1, le=MOST_PEOPLE)] = 12
    lat: Annotated[float, Field(ge=-90, le=90)] = 45.19
    lon: Coordinate = 5.71
    spread: Annotated[float, Field(ge=0, le=20_000)] = 200.0
    people: Annotated[int, Field(ge=1, le=MOST_PEOPLE)] | None = None
    text: str | None = Field(default=None, max_length=500)
    town: str | None = Field(default=None, pattern=r"^https?://[^\s?#]+$", max_length=200)
    token: str | None = Field(default=None, pattern=r"^[\x21-\x7e]{1,600}$")

    def place(self, number: int) -> tuple[float, float]:
        """Where the person of that number stands: on a spiral that fills the circle."""
        away = self.spread * math.sqrt((number + 0.5) / self.count)
        north, east = away * math.cos(number * _GOLDEN), away * math.sin(number * _GOLDEN)
        lat = self.lat + north / _DEGREE
        return round(lat, 6), round(self.lon + east / (_DEGREE * max(math.cos(math.radians(self.lat)), 0.01)), 6)


@dataclass(frozen=True, slots=True)
class CrowdOutcome:
    """What became of it: the numbers of the reports, and the first refusal, which ended it."""

    kind: str
    reports: tuple[str, ...] = ()
    refused: str | None = None

    def as_json(self) -> dict[str, Any]:
        """As the control call answers."""
        return {"kind": self.kind, "reports": list(self.reports), "refused": self.refused}


@dataclass
class TownHall:
    """The town that the crowd of this sandbox reports to. `last` is what became of the last one."""

    town: str | None = None
    token: str | None = field(default=None, repr=False)
    last: CrowdOutcome | None = None

    async def report(self, crowd: ReportingCrowd) -> CrowdOutcome:
        """Have all of them report, one after the other. Raises Impossible where no town is known."""
        self.town, self.token = crowd.town or self.town, crowd.token or self.token
        if self.town is None or self.token is None:
            raise Impossible("say which town, and give a token: tocsin token add foule --role reporter")
        self.last = await _report(crowd, self.town.rstrip("/"), self.token)
        return self.last


async def _report(crowd: ReportingCrowd, town: str, token: str) -> CrowdOutcome:
    once, numbers = token_hex(4), []
    headers = {"Authorization": f"Bearer {token}", "Accept-Language": "en"}
    async with aiohttp.ClientSession(timeout=PATIENCE, headers=headers) as session:
        for number in range(crowd.count):
            lat, lon = crowd.place(number)
            who = f"sandbox {once} {number % (crowd.people or crowd.count)}"
            fields = {"kind": crowd.kind, "lat": lat, "lon": lon, "source": who}
            try:
                numbers.append(await _send(session, town, {**fields, **({"text": crowd.text} if crowd.text else {})}))
            except Impossible as error:
                return CrowdOutcome(crowd.kind, tuple(numbers), str(error))
    return CrowdOutcome(crowd.kind, tuple(numbers))


async def _send(session: aiohttp.ClientSession, town: str, fields: dict[str, Any]) -> str:
    try:
        async with session.post(f"{town}/api/v1/reports", json=fields, allow_redirects=False) as answer:
            said = await answer.json(content_type=None)
            if answer.status != 201:
                raise Impossible(f"{answer.status}: {said.get('detail', '')}")
            return str(said["report"])
    except (aiohttp.ClientError, TimeoutError, ValueError, AttributeError, KeyError) as error:
        raise Impossible(f"the town didn't answer as it should ({type(error).__name__})") from error
