"""The setup forms' input as tables of channels.toml, and the names of their keys.

A table is taken as it was typed (`Typed`), with its errors by key. Input that can't be written at all is reported at
once; the loader reports the rest. For a secret the form asks only for its place: a text that can't be the name of a
variable or a file is stored nowhere, since it may be the secret itself.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from alerts.model.reason import Reason
from alerts.rendering.i18n import Words
from alerts.setup.workshop import Key, KindForm
from alerts.web.console.frame import platform_names

# Names become keys of TOML tables and parts of addresses.
NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_FILE = re.compile(r"[A-Za-z0-9._/-]{1,100}")
PUBLISH = ("auto", "veto", "approve")
STATION = ("name", "sender", "language", "timezone", "public_url", "boundary", "streets", "addresses", "logo", "accent")
PUSH_KEY = "push-key"
"""The default file of push's key, unless the lines name another place."""
Form = Mapping[str, str]


@dataclass
class Typed:
    """A table as it was typed, and what is wrong with it by key: nothing wrong, and it goes into the lines."""

    name: str
    values: dict[str, Any] = field(default_factory=dict)
    wrong: dict[str, Reason | str] = field(default_factory=dict)


def station(form: Form, words: Words) -> Typed:
    """The table `station`; what was left empty isn't written, so that its default holds."""
    values: dict[str, Any] = {key: form.get(key, "").strip() or None for key in STATION}
    values["areas"] = form.get("areas", "").replace(",", " ").split() or None
    values["numbers"] = [line.strip() for line in form.get("numbers", "").splitlines() if line.strip()] or None
    typed = Typed("station", values)
    for key in ("name", "sender"):
        _need(typed, key, words)
    return typed


def server(form: Form) -> Mapping[str, Mapping[str, Any]]:
    """Return the tables about the town's machine: its database, and its proxies."""
    proxies = form.get("proxies", "").replace(",", " ").split()
    return {"store": {"url": form.get("store", "").strip() or None}, "web": {"proxies": proxies or None}}


def duty(form: Form, channels: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
    """Return the tables of those on call: the channels to notify, the heartbeat, and the rule for officers' alerts."""
    chosen = [name for name in channels if f"told.{name}" in form]
    rule = {"publish": form["manual"]} if form.get("manual") in PUBLISH else {}
    watch = form.get("heartbeat", "").strip()
    return {"notify": {"channels": chosen or None, "heartbeat": watch or None}, "sources.manual": rule}


def people(form: Form, hearing: Sequence[str]) -> Mapping[str, Mapping[str, Any] | None]:
    """Return the tables about residents' channels and words; None for one to remove.

    `hearing` are the channels where people can answer.
    """
    hours, prefix = form.get("hours", "").strip(), form.get("prefix", "").strip().upper()
    return {
        "push": {"key": {"file": PUSH_KEY}, "subject": form.get("subject", "").strip()} if "push" in form else None,
        "reports": {"prefix": prefix or None} if "reports" in form else None,
        **{f"channels.{name}": {"hears": f"hears.{name}" in form or None} for name in hearing},
        "listening": {"hours": hours or None},
    }


def entry(form: Form, section: str, kind_form: KindForm, words: Words) -> Typed:
    """The table of a channel or source; `was` is the name that it had before, where it had one."""
    typed = Typed(form.get("name", "").strip(), {"kind": kind_form.name})
    if not NAME.fullmatch(typed.name):
        typed.wrong["name"] = words.gettext("A name is of a–z, 0–9, - and _, and starts with a letter.")
    for key in kind_form.keys:
        _read(form, key, typed, words)
    if section == "sources":
        publish = form.get("publish", "")
        typed.values["publish"] = publish if publish in PUBLISH else None
    return typed


def _read(form: Form, key: Key, typed: Typed, words: Words) -> None:
    if key.choice:
        chosen = f"key.{key.name}" in form
        # As with what was left empty: what the default says anyway isn't written.
        typed.values[key.name] = None if str(chosen).lower() == key.default else chosen
    elif key.secret:
        _read_place(form, key, typed, words)
    else:
        typed_text = form.get(f"key.{key.name}", "").strip()
        typed.values[key.name] = _value(typed_text, key)
        if key.needed:
            _need(typed, key.name, words)


def _value(text: str, key: Key) -> str | int | list[str] | None:
    """Return the typed value as in the file; a default isn't written, and a wrong number is refused."""
    if key.many:
        return [each.strip() for each in text.split(",") if each.strip()] or None
    if key.number and text.isdecimal():
        return int(text)
    return None if key.options and text == key.default else text or None


def _need(typed: Typed, key: str, words: Words) -> None:
    if not typed.values[key]:
        typed.wrong[key] = words.gettext("Required.")


def _read_place(form: Form, key: Key, typed: Typed, words: Words) -> None:
    """Read the place of a secret. A text that can't be a place is stored nowhere: it may be the secret itself."""
    place, text = form.get(f"key.{key.name}.place", "env"), form.get(f"key.{key.name}", "").strip()
    if not text:
        typed.values[key.name] = None
        if key.needed:
            typed.wrong[key.name] = words.gettext("Say where it is kept: the name of a variable or file.")
        return
    if not (_FILE if place == "file" else _VARIABLE).fullmatch(text):
        typed.values[key.name] = None
        typed.wrong[key.name] = words.gettext(
            "This isn’t the name of a variable or file, so it was not saved. The secret itself never goes here."
        )
        return
    typed.values[key.name] = {"file" if place == "file" else "env": text}


def said_of(words: Words) -> Callable[[str], str]:
    """The words for a key, a kind or a step; for a key of one kind (`mail.host`), those of its own where it has any."""
    _ = words.gettext
    known = {
        **platform_names(words),
        "station": _("Your town"),
        "channels": _("Channels"),
        "sources": _("Sources"),
        "people": _("Residents"),
        "duty": _("Duty & exercises"),
        "accounts": _("Accounts"),
        "ready": _("Ready?"),
        "heartbeat": _("Address of a watch"),
        "api_url": _("Another address of the platform, such as the sandbox’s"),
        "lines": _("The lines"),
        "matrix.api_url": _("Address of the server"),
        "room": _("Room"),
        "topic": _("Topic"),
        "sms": _("SMS to a list of numbers"),
        "provider": _("Provider"),
        "ovh": "OVHcloud",
        "octopush": "Octopush",
        "smsmode": _("smsmode, with a file of numbers"),
        "sms.sender": _("Name that SMS come from"),
        "sms.secret": _("Application secret (OVHcloud)"),
        "sms.consumer_key": _("Consumer key (OVHcloud)"),
        "login": _("Account’s e-mail address (Octopush)"),
        "service": _("Name of the SMS service (OVHcloud)"),
        "contacts": _("The list there: its number (OVHcloud) or name (Octopush)"),
        "sms.numbers": _("File of the numbers (smsmode)"),
        "price": _("Price of an SMS to one number, in euros"),
        "daily_budget": _("Most that may be spent in a day, in euros"),
        "monthly_budget": _("Most that may be spent in a month, in euros"),
        "parts": _("Most SMS that a text may take"),
        "handle": _("Handle"),
        "bluesky.password": _("App password"),
        "mastodon.api_url": _("Address of the server"),
        "webhook": _("System of your own (webhook)"),
        "mail": _("E-mail to a list"),
        "mqtt": _("Broker for panels and sirens (MQTT)"),
        "prefix": _("First level of the topics"),
        "cap": _("CAP feed of warnings"),
        "ical": _("Works calendar"),
        "rss": _("News of a site (RSS)"),
        "mailbox": _("Mailbox (IMAP)"),
        "mailbox.host": _("Name of the mail server"),
        "folder": _("Folder"),
        "senders": _("Senders whose mails count, or @domain"),
        "verified_by": _("Name of your server in Authentication-Results"),
        "gtfs_rt": _("Public transport (GTFS-realtime)"),
        "routes": _("Only these lines, by their ids in the network’s GTFS"),
        "stops": _("Only these stops, by their ids"),
        "licence": _("Licence that the publisher wants named"),
        "roads": _("Works on roads (CIFS, DATEX II)"),
        "names": _("Names of the town and its roads"),
        "vigilance": _("Météo-France’s Vigilance"),
        "department": _("Department"),
        "vigicrues": _("Flood warnings of Vigicrues"),
        "atmo": _("Air pollution, by Atmo France"),
        "zones": _("Parts of the department, by their names"),
        "sections": _("Sections of rivers, by their codes"),
        "format": _("Form of the feed"),
        "format.rss": _("RSS of these sections"),
        "format.geojson": _("GeoJSON of all of France"),
        "key": _("API key"),
        "consumer_key": _("API key (consumer key)"),
        "consumer_secret": _("API secret (consumer secret)"),
        "access_token": _("Access token"),
        "access_token_secret": _("Access token secret"),
        "page_id": _("The Page’s number"),
        "account_id": _("The account’s number"),
        "token": _("Token"),
        "app_secret": _("The app’s secret"),
        "verify_token": _("Word agreed on with Facebook for its webhook"),
        "chat": _("Chat"),
        "url": _("Address"),
        "secret": _("Shared secret"),
        "mail.host": _("Name of the mail relay"),
        "mail.sender": _("Sender of the letters"),
        "mqtt.host": _("Name of the broker"),
        "port": _("Port"),
        "tls": _("Encryption (TLS)"),
        "starttls": _("after the greeting (STARTTLS)"),
        "implicit": _("from the first byte"),
        "none": _("none, for a server on this machine alone"),
        "updates": _("How the bot hears of what people write"),
        "poll": _("it asks Telegram"),
        "updates.webhook": _("Telegram calls the public address"),
        "user": _("User"),
        "password": _("Password"),
        "to": _("Address of the list"),
        "mail.subscriptions": _("Residents subscribe on the town’s page, without a list"),
        "subscriptions": _("Residents subscribe with the bot, by district and topic"),
        "hears": _("What people answer there is read, and shown at the desk"),
        "title": _("Name that readers are told"),
        "only": _("Only entries of these categories"),
        "exercise": _("For exercises only: nothing real goes there"),
        "public": _("The public reads it: alerts are routed there"),
        "allow_private": _("Redirects may lead to a private address"),
        "version": _("Version of the Graph API"),
        "language": _("Language"),
        "name": _("Name"),
        "sender": _("Sender of your alerts"),
        "timezone": _("Time zone"),
        "public_url": _("Public address"),
        "areas": _("Codes of your area"),
        "boundary": _("File of district outlines"),
        "streets": _("File of streets"),
        "addresses": _("File of addresses"),
        "logo": _("File of the crest"),
        "accent": _("The town’s colour"),
        "numbers": _("Numbers to call"),
        "store": _("Database"),
        "proxies": _("Web server that stands before it"),
        "subject": _("Whom the push services may write to"),
        "hours": _("Hours at which somebody reads"),
    }
    return lambda name: known.get(name) or known.get(name.rpartition(".")[2], name)


def usual_secret(kind: str, key: Key) -> Mapping[str, str]:
    """Return the place where that secret usually is; an empty mapping where this process knows none.

    Under the systemd service it is the file of the shipped unit (`LoadCredential`), else the variable of the same name
    if it is set.
    """
    if not key.needed:
        return {}
    prefix = {"twitter": "x", "vigilance": "meteofrance"}.get(kind, kind)
    name = f"{prefix}-{key.name}".replace("_", "-")
    variable = name.replace("-", "_").upper()
    if "CREDENTIALS_DIRECTORY" in os.environ:
        return {"file": name}
    return {"env": variable} if os.environ.get(variable) else {}


def waits_of(words: Words) -> Sequence[tuple[str, str]]:
    """How long it takes until each kind may be used, the longest first: it is what one begins with."""
    _ = words.gettext
    return (
        ("twitter", _("weeks: X has to approve the app for a public body (Public Utility App)")),
        ("facebook", _("days to weeks: a system user’s token for the Page, and Meta’s review of the app")),
        ("instagram", _("days to weeks: a professional account, and Meta’s review of the app and of the Page")),
        ("mail", _("days: a mailbox at the relay, and what its provider publishes in the DNS for it")),
        ("mailbox", _("a day: a mailbox of its own, and the name that your mail server writes into each mail")),
        ("mqtt", _("days: whoever runs the panels gives you a user and a password")),
        ("sms", _("days: the provider validates the name that SMS come from, and you give it the list of numbers")),
        ("vigilance", _("ten minutes: a free key from portail-api.meteofrance.fr")),
        ("atmo", _("ten minutes: a free account at admindata.atmo-france.org")),
        ("mastodon", _("ten minutes: an account on a server, and an access token from its settings, Development")),
        ("bluesky", _("ten minutes: an account, and an app password from its settings, Privacy and security")),
        ("telegram", _("five minutes: @BotFather gives the bot’s token at once")),
    )
