"""The settings of a channel in channels.toml, kind by kind, and the credentials that they name.

Importing this loads no platform's library: the command line checks a configuration and renders a post without any.
"""

from __future__ import annotations

import os
import re
from datetime import date, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from alerts.model.alert import Severity
from alerts.model.errors import BadCredential
from alerts.model.local import SMALL, LocalFile, read_file
from alerts.model.post import Means, TextFormat
from alerts.model.reason import because
from alerts.model.subscriber import MAILBOX
from alerts.model.town import ChannelConfig, LinkPolicy, RateLimit, Secret, credential, parse_span, parse_window


def read_span(value: object) -> object:
    """A length of time as it is written, "10s"; what is no text is left to who asks."""
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str):
        raise ValueError(because("span_unquoted"))  # noqa: TRY004 pydantic asks for this one
    return parse_span(value)


def _window(value: object) -> object:
    return parse_window(value) if isinstance(value, str) else value


def _can_pass(value: timedelta) -> timedelta:
    if not timedelta() < value <= timedelta(days=366):
        raise ValueError(because("no_time_to_wait", example="10s"))
    return value


PUSH_SERVICES = (
    "fcm.googleapis.com",
    "updates.push.services.mozilla.com",
    "*.notify.windows.com",
    "web.push.apple.com",
)
"""Those of the browsers that people have: Chrome, Firefox, Edge, Safari."""

Span = Annotated[timedelta, BeforeValidator(read_span), AfterValidator(_can_pass)]
Limit = Annotated[RateLimit, BeforeValidator(_window)]


class SecretSource(BaseModel):
    """The source of a secret: `{ env = "NAME" }` or `{ file = "name" }`, never the secret itself."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid", hide_input_in_errors=True)

    env: str | None = Field(default=None, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", examples=["X_ACCESS_TOKEN"])
    file: str | None = Field(default=None, min_length=1, examples=["facebook-token"])

    @model_validator(mode="before")
    @classmethod
    def _is_a_place(cls, value: object) -> object:
        if isinstance(value, str):
            raise ValueError(because("secret_itself"))  # noqa: TRY004 pydantic turns a ValueError into an error of the key
        if isinstance(value, dict) and len(value) != 1:
            raise ValueError(because("secret_of_one_place"))
        return value

    def read(self, folder: Path) -> Secret:
        """Return the secret; a file is searched in $CREDENTIALS_DIRECTORY first, then in `folder`.

        Raises BadCredential.
        """
        if self.env is not None:
            value = os.environ.get(self.env, "").strip()
            if not value:
                raise BadCredential(because("variable_unset", name=self.env))
            return credential(value)
        return credential(self._read_file(folder))

    def _read_file(self, folder: Path) -> str:
        name = self.file or ""
        directory = os.environ.get("CREDENTIALS_DIRECTORY")
        places = [Path(directory) / name] if directory else []
        # systemd hands credentials over in a folder of its own, which goes before the configuration's.
        for place in [*places, folder / name]:
            try:
                value = place.read_text(encoding="utf-8").strip()
            except OSError:
                continue
            if value:
                return value
        raise BadCredential(because("secret_file_missing_here" if directory else "secret_file_missing", name=name))


class OwnSecret(SecretSource):
    """A secret that has to lie in one folder, such as that of a fleet's town, whatever the process is handed."""

    within: Path

    @model_validator(mode="before")
    @classmethod
    def _is_a_place(cls, value: object) -> object:
        return value

    def read(self, folder: Path) -> Secret:
        """The secret. Raises BadCredential."""
        try:
            value = read_file(folder / (self.file or ""), self.within, SMALL).decode().strip()
        except (OSError, UnicodeDecodeError):
            value = ""
        if not value:
            raise BadCredential(because("secret_file_missing", name=self.file or ""))
        return credential(value)


class SecretAddress(str):  # noqa: SLOT000 a text has none to add
    """An address that is a credential as a whole, such as a heartbeat's."""


FileNamed = Annotated[str, AfterValidator(LocalFile)]
"""A file as channels.toml names it, relative to that file's folder."""


class ChannelSettings(BaseModel):
    """The settings of every channel, whatever its kind."""

    model_config = ConfigDict(
        defer_build=True, frozen=True, extra="forbid", arbitrary_types_allowed=True, hide_input_in_errors=True
    )

    kind: str
    api_url: str
    insecure: bool = False
    timeout: Span = timedelta(seconds=10)
    limits: tuple[Limit, ...] = ChannelConfig.limits
    reserve: int | None = Field(default=ChannelConfig.reserve, ge=0)
    link: LinkPolicy = ChannelConfig.link
    severity: Severity = ChannelConfig.severity
    on_update: Means = ChannelConfig.on_update
    on_end: Means = ChannelConfig.on_end
    exercise: bool = ChannelConfig.exercise
    public: bool = ChannelConfig.public
    card: bool = ChannelConfig.card
    concurrency: int = Field(default=ChannelConfig.concurrency, ge=1, le=100)
    language: str | None = Field(default=None, pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$", examples=["fr-FR", "en"])

    @property
    def asks(self) -> bool:
        """True if the platform has polls of its own that may be used here."""
        return False

    @property
    def card_alone(self) -> bool:
        """True if a post there is a picture: it always carries the card, an end's too, and nothing else."""
        return False

    def written(self, text: TextFormat) -> TextFormat:
        """Return how the platform counts a text here, made of how its kind does."""
        return text

    @field_validator("api_url")
    @classmethod
    def _is_an_address(cls, value: str) -> str:
        if not value.startswith(("http://", "https://")):
            raise ValueError(because("api_url_scheme"))
        return value.rstrip("/")

    @field_validator("on_update")
    @classmethod
    def _updates_are_seen(cls, value: Means) -> Means:
        if value not in (Means.REPLY, Means.EDIT, Means.NEW):
            raise ValueError(because("update_unseen"))
        return value

    @model_validator(mode="after")
    def _cards_stay_true(self) -> ChannelSettings:
        edited = [name for name in ("on_update", "on_end") if getattr(self, name) is Means.EDIT]
        if self.card and edited:
            raise ValueError(because("card_edited", key=edited[0]))
        return self

    @field_validator("reserve")
    @classmethod
    def _reserve_fits(cls, value: int | None, info: ValidationInfo) -> int | None:
        limits: tuple[RateLimit, ...] = info.data.get("limits") or ()
        longest = max(limits, key=lambda window: window.span, default=None)
        if value is not None and longest is not None and value >= longest.count:
            raise ValueError(because("reserve_too_large", count=value, limit=longest, most=longest.count - 1))
        return value


class HearingSettings(ChannelSettings):
    """The further settings of a channel where people can comment on its posts."""

    hears: bool = ChannelConfig.hears
    replies: int = Field(default=ChannelConfig.replies, ge=0, le=100)


class AccountKeys(BaseModel):
    """The four secrets of an account on X: OAuth 1.0a user context, which doesn't expire."""

    model_config = ConfigDict(defer_build=True, frozen=True, extra="forbid", hide_input_in_errors=True)

    consumer_key: SecretSource
    consumer_secret: SecretSource
    access_token: SecretSource
    access_token_secret: SecretSource


class TwitterSettings(HearingSettings):
    """`kind = "twitter"`: an account on X.

    By X's terms a town reads what others write there only once X approved it in writing: `approved` is that day. It
    reads with the keys of another account (`listen`), for at most `budget` dollars a month.
    """

    kind: Literal["twitter"]
    api_url: str = "https://api.x.com"
    limits: tuple[Limit, ...] = (RateLimit(100, timedelta(minutes=15)),)
    consumer_key: SecretSource
    consumer_secret: SecretSource
    access_token: SecretSource
    access_token_secret: SecretSource
    approved: date | None = Field(default=None, examples=["2026-11-01"])
    listen: AccountKeys | None = None
    budget: float | None = Field(default=None, ge=0.05, le=100_000, examples=[5.00])

    @field_validator("approved")
    @classmethod
    def _was_approved(cls, value: date | None) -> date | None:
        if value is not None and value > datetime.now().astimezone().date():
            raise ValueError(because("x_approved_later", date=f"{value:%Y-%m-%d}"))
        return value

    @model_validator(mode="after")
    def _may_hear(self) -> TwitterSettings:
        needed = (
            (self.approved, because("x_needs_approved")),
            (self.listen, because("x_needs_listen")),
            (self.budget, because("x_needs_budget")),
        )
        missing = [what for value, what in needed if value is None]
        if self.hears and missing:
            raise ValueError(because("x_may_not_hear", missing=missing))
        if self.listen is not None:
            for name in ("consumer_key", "access_token"):
                if getattr(self.listen, name) == getattr(self, name):
                    raise ValueError(because("x_listens_with_same", key=name))
        return self

    @property
    def asks(self) -> bool:
        """X's polls can be counted by who may read X alone."""
        return self.hears


class FacebookSettings(HearingSettings):
    """`kind = "facebook"`: a Page, by a Page access token.

    With the app's secret and a `verify_token` Facebook may deliver people's comments, if the channel hears.
    """

    kind: Literal["facebook"]
    api_url: str = "https://graph.facebook.com"
    version: str = Field(default="v25.0", pattern=r"^v\d+\.\d+$", examples=["v25.0"])
    page_id: str = Field(pattern=r"^\d+$", examples=["1234567890"])
    token: SecretSource
    app_secret: SecretSource | None = None
    verify_token: SecretSource | None = None
    limits: tuple[Limit, ...] = (RateLimit(30, timedelta(hours=1)),)
    on_update: Means = Means.EDIT
    on_end: Means = Means.EDIT

    @property
    def is_brought(self) -> bool:
        """True if Facebook may deliver people's comments: it is heard, and both secrets are named."""
        return self.hears and self.app_secret is not None and self.verify_token is not None


class TelegramSettings(HearingSettings):
    """`kind = "telegram"`: a channel or group that our bot administers.

    With `subscriptions` the bot also talks to people, and sends alerts to subscribers: at most `rate` messages a second
    (0: unlimited), `in_flight` of them under way; a message that isn't urgent and follows another alert within `gather`
    is deferred until then, and combined with the others. `updates` is the way in which the bot gets people's messages:
    by polling, or by a webhook at the town's public address.
    """

    kind: Literal["telegram"]
    api_url: str = "https://api.telegram.org"
    chat: str = Field(
        pattern=r"^(-?\d+|@[A-Za-z][A-Za-z0-9_]{3,})$", examples=["@saintmartin_alertes", "-1001234567890"]
    )
    token: SecretSource
    limits: tuple[Limit, ...] = (RateLimit(1, timedelta(seconds=1)), RateLimit(20, timedelta(minutes=1)))
    subscriptions: bool = False
    updates: Literal["poll", "webhook"] = "poll"
    rate: int = Field(default=30, ge=0, le=1000)
    in_flight: int = Field(default=50, ge=1, le=200)
    gather: Span = timedelta(minutes=3)

    @property
    def asks(self) -> bool:
        """Telegram's polls are everywhere where a bot may write."""
        return True


class WebhookSettings(ChannelSettings):
    """`kind = "webhook"`: an address of the town's own that takes signed JSON.

    `url` is where the posts go; `api_url`, where it is given, replaces its scheme and host (the sandbox's).
    """

    kind: Literal["webhook"]
    api_url: str = ""
    url: str = Field(
        pattern=r"^https?://[^\s/?#@]+(/[^\s#]*)?$", examples=["https://panneaux.saint-martin.example/tocsin"]
    )
    secret: SecretSource
    limits: tuple[Limit, ...] = (RateLimit(60, timedelta(minutes=1)),)
    on_update: Means = Means.NEW
    on_end: Means = Means.NEW

    @property
    def address(self) -> str:
        """Where the posts really go."""
        if not self.api_url:
            return self.url
        _, _, route = self.url.partition("://")[2].partition("/")
        return f"{self.api_url}/{route}"


class MailSettings(ChannelSettings):
    """`kind = "mail"`: each post is one e-mail to a list's address, or one to each of its own subscribers, by a relay.

    `timeout` is how long the relay may take until it has the e-mail; its confirmation may take four times as long.
    `sender` is an address, or `Name <address>`. With `subscriptions` people subscribe on the town's pages: they get at
    most `rate` e-mails a second (0: unlimited), `in_flight` of them under way.
    """

    kind: Literal["mail"]
    api_url: str = ""
    host: str = Field(pattern=r"^[A-Za-z0-9.:-]{1,253}$", examples=["smtp.saint-martin.example"])
    port: int | None = Field(default=None, ge=1, le=65_535, examples=[587])
    tls: Literal["starttls", "implicit", "none"] = "starttls"
    user: str | None = Field(default=None, min_length=1, max_length=320, examples=["alertes@saint-martin.example"])
    password: SecretSource | None = None
    sender: str = Field(
        pattern=rf"^([^<>@\",;:\\()\[\]]{{1,100}} <{MAILBOX}>|{MAILBOX})$",
        examples=["Ville de Saint-Martin <alertes@saint-martin.example>"],
    )
    to: str | None = Field(default=None, pattern=rf"^{MAILBOX}$", examples=["alertes@listes.saint-martin.example"])
    subscriptions: bool = False
    rate: int = Field(default=10, ge=0, le=1000)
    in_flight: int = Field(default=4, ge=1, le=100)
    timeout: Span = timedelta(seconds=30)
    limits: tuple[Limit, ...] = (RateLimit(100, timedelta(hours=1)),)

    @field_validator("api_url")
    @classmethod
    def _has_no_address_of_the_web(cls, value: str) -> str:
        if value:
            raise ValueError(because("mail_api_url"))
        return value

    @field_validator("user", "sender")
    @classmethod
    def _is_one_line(cls, value: str | None) -> str | None:
        if value is not None and not value.isprintable():
            raise ValueError(because("mail_unprintable"))
        return value

    @model_validator(mode="after")
    def _is_whole(self) -> MailSettings:
        if (self.user is None) is not (self.password is None):
            raise ValueError(because("mail_half_a_login"))
        if self.to is None and not self.subscriptions:
            raise ValueError(because("mail_to_nobody"))
        return self

    @property
    def relay_port(self) -> int:
        """The port of the relay; by default the usual one for `tls`."""
        return self.port or {"starttls": 587, "implicit": 465, "none": 25}[self.tls]

    @property
    def address(self) -> str:
        """The sender's address alone."""
        return self.sender.rpartition("<")[2].removesuffix(">")


class MqttSettings(ChannelSettings):
    """`kind = "mqtt"`: a broker of the town's, which shows panels, gauges and sirens the current alerts.

    An alert stays there until its end removes it, so updates edit and ends delete, and nothing else is allowed.
    """

    kind: Literal["mqtt"]
    api_url: str = ""
    host: str = Field(pattern=r"^[A-Za-z0-9.:-]{1,253}$", examples=["mqtt.saint-martin.example"])
    port: int | None = Field(default=None, ge=1, le=65_535, examples=[8883])
    tls: Literal["implicit", "none"] = "implicit"
    user: str | None = Field(default=None, min_length=1, max_length=320, examples=["tocsin"])
    password: SecretSource | None = None
    prefix: str = Field(default="tocsin", pattern=r"^[^\s/+#$][^\s/+#]*(/[^\s/+#]+)*$", max_length=100)
    on_update: Means = Means.EDIT
    on_end: Means = Means.DELETE

    @field_validator("api_url")
    @classmethod
    def _has_no_address_of_the_web(cls, value: str) -> str:
        if value:
            raise ValueError(because("mqtt_api_url"))
        return value

    @field_validator("on_update", "on_end")
    @classmethod
    def _stands_until_its_end(cls, value: Means, info: ValidationInfo) -> Means:
        wanted = Means.EDIT if info.field_name == "on_update" else Means.DELETE
        if value is not wanted:
            raise ValueError(because("mqtt_stands", allowed=repr(wanted.value)))
        return value

    @model_validator(mode="after")
    def _is_whole(self) -> MqttSettings:
        if (self.user is None) is not (self.password is None):
            raise ValueError(because("mqtt_half_a_login"))
        return self

    @property
    def broker_port(self) -> int:
        """The port of the broker; by default the usual one for `tls`."""
        return self.port or (8883 if self.tls == "implicit" else 1883)


def is_here(host: str) -> bool:
    """True if it is this machine, so that nobody is in between."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


# A host, a wildcard for its subdomains, or an address; with a port if it isn't the usual one.
PUSH_HOST = re.compile(r"(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*(:\d{1,5})?|\[[0-9a-f:.]+\](:\d{1,5})?")


class PushSettings(BaseModel):
    """`[push]`: alerts to browsers, by the push services of their makers.

    `key` is the town's own private key, as PEM; `subject` is how a service reaches who sends. `services` are the hosts
    that an endpoint may be at, for strangers give these addresses.
    """

    model_config = ConfigDict(
        defer_build=True, frozen=True, extra="forbid", arbitrary_types_allowed=True, hide_input_in_errors=True
    )

    key: SecretSource
    subject: str = Field(
        pattern=r"^(mailto:[^\s@<>]+@[^\s@<>]+|https://\S+)$", examples=["mailto:mairie@saint-martin.example"]
    )
    services: tuple[str, ...] = Field(default=PUSH_SERVICES, min_length=1, max_length=50)
    in_flight: int = Field(default=60, ge=1, le=1000)
    timeout: Span = timedelta(seconds=10)

    @field_validator("services")
    @classmethod
    def _are_hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for host in value:
            if not PUSH_HOST.fullmatch(host):
                raise ValueError(because("no_push_service", text=repr(host)))
        return value


# The platforms' limits and ways of counting; the last three are ours.
TWITTER_TEXT = TextFormat(limit=280, count="weighted")
FACEBOOK_TEXT = TextFormat(limit=63_206, link="field")
TELEGRAM_TEXT = TextFormat(limit=4096, count="utf16", markup="html")
WEBHOOK_TEXT = TextFormat(limit=20_000)
MAIL_TEXT = TextFormat(limit=20_000, markup="html")
MQTT_TEXT = TextFormat(limit=20_000, markup="json")
# A lock screen shows some four lines; what is longer is on the alert's page.
PUSH_TEXT = TextFormat(limit=400, link="field")


class KeptPassword:
    """A channel's password, which it may do without: read when the channel opens, forgotten when it closes."""

    def __init__(self, channel: str, source: SecretSource | None, folder: Path) -> None:
        self._channel = channel
        self._source = source
        self._folder = folder
        self._password: Secret | None = None
        self._is_read = False

    def read(self) -> None:
        """Read it anew; raises BadCredential where one is named and missing."""
        self._password = read_password(self._source, self._folder)
        self._is_read = True

    def forget(self) -> None:
        """Keep it no longer."""
        self._password, self._is_read = None, False

    def value(self) -> Secret | None:
        """The password, or None where there is none. Raises BadCredential while the channel isn't open."""
        if not self._is_read:
            raise BadCredential(because("channel_unopened", channel=self._channel))
        return self._password


def read_password(source: SecretSource | None, folder: Path) -> Secret | None:
    """The secret at `source`, if one is named."""
    return read_credential(source, folder) if source is not None else None


def read_credential(source: SecretSource, folder: Path) -> Secret:
    """The secret at `source`; raises BadCredential where it is missing or can't be one, as a file of two lines can't.

    Every platform's tokens are printable ASCII; anything else would break the request that carries it.
    """
    secret = source.read(folder)
    if not all("!" <= character <= "~" for character in secret.reveal()):
        raise BadCredential(because("more_than_a_credential", where=source.env or source.file or ""))
    return secret
