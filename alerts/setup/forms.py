"""The setup forms' input as tables of channels.toml, and the names of their keys.

A table is taken as it was typed (`Typed`), with its errors by key. Input that can't be written at all is reported at
once; the loader reports the rest. For a secret the form asks only for its place: a text that can't be the name of a
variable or a file is stored nowhere, since it may be the secret itself.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from alerts.model.reason import Reason
from alerts.rendering.i18n import Words
from alerts.setup.workshop import Key, KindForm

# Names become keys of TOML tables and parts of addresses.
NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_FILE = re.compile(r"[A-Za-z0-9._/-]{1,100}")
PUBLISH = ("auto", "veto", "approve")
STATION = ("name", "sender", "language", "timezone", "public_url", "boundary", "streets", "addresses", "logo", "accent")
PUSH_KEY = "push-key"
"""The default file of push's key, unless the lines name another place."""
_DECIMAL = re.compile(r"-?[0-9]{1,12}[.,][0-9]{1,12}", re.ASCII)
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


def entry(form: Form, kind_form: KindForm, words: Words) -> Typed:
    """The table of a channel or source."""
    typed = Typed(form.get("name", "").strip(), {"kind": kind_form.name})
    if not NAME.fullmatch(typed.name):
        typed.wrong["name"] = words.gettext("A name is of a–z, 0–9, - and _, and starts with a letter.")
    for key in kind_form.keys:
        _read(form, key, typed, words)
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


def _value(text: str, key: Key) -> str | float | list[str | float] | None:
    """Return the typed value as in the file; a default isn't written, unless it is to be kept."""
    read = _number if key.number else str
    if key.many:
        return [read(each.strip()) for each in text.split(",") if each.strip()] or None
    return read(text) if text and (key.kept or not (key.options and text == key.default)) else None


def _number(text: str) -> str | float:
    """Return the number as it is typed here or in French ("0,07"); any other text is refused by the loader."""
    if text.isdecimal():
        return int(text)
    return float(text.replace(",", ".")) if _DECIMAL.fullmatch(text) else text


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
