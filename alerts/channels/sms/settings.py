"""The keys of a channel of `kind = "sms"`: its provider, its money, and what concerns subscribers of its own."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from alerts.channels.settings import ChannelSettings, Limit, SecretSource
from alerts.model.alert import Severity
from alerts.model.gsm import room_in
from alerts.model.post import Means, TextFormat
from alerts.model.reason import because
from alerts.model.telephone import E164, FRENCH
from alerts.model.town import RateLimit

NAMES = {"ovh": "OVHcloud", "octopush": "Octopush", "smsmode": "smsmode"}
_OF_OVH, _OF_OCTOPUSH = ("secret", "consumer_key", "service", "contacts", "number"), ("login", "contacts")
_OF: dict[str, tuple[str, ...]] = {"ovh": _OF_OVH, "octopush": _OF_OCTOPUSH, "smsmode": ("numbers",)}
"""The keys of each provider, of those that not all have."""
_LISTS, _MAYBE = ("contacts", "numbers"), ("number",)
"""The keys that name a list, which own subscribers make needless; and those that nobody needs."""
FOOT, FOOT_WITH_LINK = 30, 80
"""Septets that are kept for how to leave, at the end of each SMS to a subscriber: by a word, or by a link."""
LONGEST_PAGES = 48
"""Characters of the town's public address with which that link fits."""

CODES = "codes"
"""The post under which a day's SMS are paid that are no alerts, with that day."""


def codes_on(day: date) -> str:
    """Return the name under which what was paid for the codes of that day is kept."""
    return f"{CODES} {day:%Y-%m-%d}"


Prefix = Annotated[str, StringConstraints(pattern=r"^\+[1-9]\d{0,3}$")]


class SmsSettings(ChannelSettings):
    """`kind = "sms"`: a list of numbers at a provider, and what an SMS may cost.

    `key` is the provider's API key. `contacts` is a list there: OVHcloud's receivers by number, Octopush's by name;
    smsmode gets `numbers`. `price` is that of a part to one number, in euros; a text has `parts` at the most. Of both
    budgets Severe and Extreme alerts alone may spend the share `urgent_share`.

    With `subscriptions` people subscribe on the town's pages, with a telephone of these `prefixes`: a day has at most
    `codes` SMS that are no alerts, and subscribers get `rate` a second, `in_flight` of them under way. `number` is one
    of OVHcloud's that can be answered.
    """

    kind: Literal["sms"]
    api_url: str = ""
    provider: Literal["ovh", "octopush", "smsmode"]
    sender: str = Field(pattern=r"^[A-Za-z0-9]{3,11}$", examples=["STMARTIN"])
    key: SecretSource
    secret: SecretSource | None = None
    consumer_key: SecretSource | None = None
    login: str | None = Field(default=None, pattern=r"^[\x21-\x7e]{1,200}$", examples=["mairie@saint-martin.example"])
    service: str | None = Field(default=None, pattern=r"^[A-Za-z0-9-]{1,60}$", examples=["sms-ab12345-1"])
    contacts: str | None = Field(default=None, pattern=r"^[^\s/?#][^/?#\r\n]{0,59}$", examples=["1234"])
    numbers: SecretSource | None = None
    price: float = Field(gt=0, le=10, examples=[0.07])
    daily_budget: float = Field(gt=0, le=1_000_000, examples=[200])
    monthly_budget: float = Field(gt=0, le=1_000_000, examples=[600])
    parts: int = Field(default=2, ge=1, le=8)
    severity: Severity = Severity.SEVERE
    urgent_share: float = Field(default=0.3, ge=0, le=0.9)
    subscriptions: bool = False
    number: str | None = Field(default=None, pattern=rf"^({E164}|\d{{4,6}})$", examples=["+33700000000"])
    prefixes: tuple[Prefix, ...] = Field(default=FRENCH, min_length=1, max_length=50)
    codes: int = Field(default=200, ge=1, le=100_000)
    rate: int = Field(default=10, ge=1, le=1000)
    in_flight: int = Field(default=10, ge=1, le=100)
    limits: tuple[Limit, ...] = (RateLimit(10, timedelta(hours=1)),)
    on_update: Means = Means.NEW
    on_end: Means = Means.NEW

    def written(self, text: TextFormat) -> TextFormat:
        """As long as so many parts, of which a subscriber's has the way out in its last words."""
        foot = (FOOT if self.number else FOOT_WITH_LINK) if self.subscriptions else 0
        return replace(text, limit=room_in(self.parts) - foot)

    @model_validator(mode="after")
    def _fits_its_provider(self) -> SmsSettings:
        own, name = _OF[self.provider], NAMES[self.provider]
        idle = (*_MAYBE, *(_LISTS if self.subscriptions else ()))
        for key in dict.fromkeys(each for those in _OF.values() for each in those):
            if key in own and key not in idle and getattr(self, key) is None:
                raise ValueError(because("sms_key_missing", key=key, provider=name))
            if key not in own and getattr(self, key) is not None:
                raise ValueError(because("sms_key_of_another", key=key, provider=name))
        return self

    @property
    def has_list(self) -> bool:
        """True if each post also goes to a list: the provider's, or that of the secret file."""
        return self.contacts is not None or self.numbers is not None
