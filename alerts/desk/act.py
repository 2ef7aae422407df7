"""An act of an officer, declared once: its name, its permission, its fields, and its execution.

An act is a frozen dataclass below `OfficerAct`, in a module whose name ends with `_acts`, next to what it works on. The
API's operation (`alerts.web.api.acts`), the command (`alerts.cli.acts`), the desk's form (`alerts.web.console.acts`)
and the bot's button (`alerts.bot.acts`) are made from it, so that they can't differ:

    @dataclass(frozen=True)
    class ClosePoll(PollAct):
        "Close an open poll before its time."

        verb, permission = "close", Act.CONSULT

        def carry_out(self, officer: Officer) -> Poll: ...

Its fields are its parameters apart from the id: `Annotated` with pydantic's `Field` (bounds, description), and with
`Named` if a front end has another name for it. The first line of the docstring is the operation's summary and the
command's help. No pydantic model is made before the API asks for one.
"""

from __future__ import annotations

import pkgutil
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from enum import Enum
from functools import cache
from importlib import import_module
from types import UnionType
from typing import Annotated, Any, ClassVar, Self, Union, get_args, get_origin, get_type_hints

from pydantic import Field, StringConstraints
from pydantic.fields import FieldInfo

from alerts.desk.officer import Officer
from alerts.desk.out import Out
from alerts.desk.unit import DeskUnit
from alerts.model.errors import Misuse
from alerts.model.person import Act
from alerts.model.reason import Reason, because

# No control characters: a post would show none of them, and a log or a terminal would obey them.
_LINE = r"^[^\x00-\x1f\x7f-\x9f]+$"
_LINES = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]+$"
Line = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=_LINE)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=_LINE)]
Lines = Annotated[str, StringConstraints(min_length=1, max_length=10_000, pattern=_LINES)]
Moment = Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=_LINE)]
Fingerprint = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Seen = Annotated[Fingerprint | None, Field(description="The `fingerprint` of what was shown.")]
"""The field that binds a validation to what its button or its request displayed."""
SEEN_BODY = ("SeenWish", "What was looked at before it was validated.")
ROOMS = ("alerts.desk", "alerts.listening", "alerts.reports")
"""Where acts are declared."""


@dataclass(frozen=True, slots=True)
class Named:
    """The names of a field in the front ends: its key in JSON, its option's help and the option's value.

    Empty, they are the field's own name, its description and `TEXT`. `by_form`: the desk's form alone has it.
    """

    key: str = ""
    help: str = ""
    metavar: str = "TEXT"
    by_form: bool = False


@dataclass(frozen=True, slots=True)
class ActField:
    """A field of an act. `hint` is its type with all bounds, `kind` the bare one: str, bool, tuple or an Enum."""

    name: str
    key: str
    hint: Any
    kind: type
    default: object
    help: str
    metavar: str
    by_form: bool

    @property
    def is_required(self) -> bool:
        """True if it has no default."""
        return self.default is MISSING

    def value(self, given: object) -> object:
        """Convert a given value. Raises Misuse for a word that isn't allowed."""
        if issubclass(self.kind, Enum) and isinstance(given, str):
            allowed = [each.value for each in self.kind]
            if (word := given.strip().casefold()) not in allowed:
                raise Misuse(because("option_no_code", option=self.key, text=repr(given[:40]), allowed=allowed))
            made: object = self.kind(word)
            return made
        return tuple(given) if self.kind is tuple and isinstance(given, Sequence) else given


@dataclass(frozen=True)
class OfficerAct(ABC):
    """The base of all acts. `id` names what it is done to: in full, or where a person types it by how it begins.

    `of` and `verb` are its path: `/polls/{id}/close` in the API, the same below `place` at the desk; a command has the
    verb within its `group`. Where `place` or `group` is empty, a form or a command written by hand leads to the act.
    `help` is the command's, where the docstring won't do. `body` is the name and description of the request's schema,
    `answers` what the answer may be (`account` makes it). `decides`: a second person does it, so a command wants their
    name. `files`: it is done by filing an alert, so the API answers
    201, or with `dry_run`, a field of it, rehearses that. `listens`: only in a town that listens to people. An act
    that leaves out what all have to say is refused where it is declared, by TypeError.
    """

    id: str

    of: ClassVar[str]
    verb: ClassVar[str]
    permission: ClassVar[Act]
    answers: ClassVar[tuple[type[Out], ...]]
    body: ClassVar[tuple[str, str]]
    place: ClassVar[str]
    group: ClassVar[str] = "tocsin"
    metavar: ClassVar[str] = "ID"
    names: ClassVar[str]
    help: ClassVar[str] = ""
    details: ClassVar[str] = ""
    decides: ClassVar[bool] = False
    files: ClassVar[bool] = False
    confirmation: ClassVar[str] = ""
    listens: ClassVar[bool] = False

    def __init_subclass__(cls) -> None:
        lacks = [name for name in dir(cls) if getattr(getattr(cls, name, None), "__isabstractmethod__", False)]
        if "verb" in vars(cls) and lacks:
            raise TypeError(f"{cls.__name__} lacks {', '.join(lacks)}")

    @abstractmethod
    def carry_out(self, officer: Officer) -> Any:
        """Carry out the act, in the transaction of a permitted officer. Raises TocsinError, and then stores nothing."""

    @abstractmethod
    def missing(self, unit: DeskUnit) -> Reason | None:
        """Return the reason why nothing has exactly this id. Returns None if something has."""

    def found(self, unit: DeskUnit) -> str | None:  # noqa: ARG002 of one that decides
        """Return the full id of the one thing that this id names or begins. Returns None if there is none."""
        return None

    @abstractmethod
    def account(self, unit: DeskUnit, done: Any) -> Out:
        """Return the result: the API's answer, and the command's output."""

    @abstractmethod
    def before(self, unit: DeskUnit) -> Out:
        """Return its object before the act, with the `fingerprint` that `seen` and `If-Match` are compared with."""

    def events(self, unit: DeskUnit, done: Any) -> Sequence[object]:  # noqa: ARG002 of one that has some
        """Return the events for open pages, in addition to posts and incidents."""
        return ()

    def done_by(self, officer: Officer) -> Any:
        """Check the permission, carry the act out, and publish its events once stored. Every front end calls this.

        Raises Forbidden if the role doesn't allow it, Misuse if the act is about people's remarks and the town doesn't
        listen to them, and the errors of `carry_out`.
        """
        officer.must(self.permission)
        if self.listens and not officer.unit.desk.station.listens:
            raise Misuse(because("not_listening"))
        done = self.carry_out(officer)
        officer.unit.happened.extend(self.events(officer.unit, done))
        return done

    def says(self, done: Any) -> str:  # noqa: ARG002 of some
        """Return a command's sentence about it. An empty one: the command shows the account."""
        return self.confirmation

    def values(self, done: Any) -> Mapping[str, Any]:  # noqa: ARG002 of some
        """Return the values of that sentence."""
        return {}

    @abstractmethod
    def page(self, unit: DeskUnit, done: Any) -> str:
        """Return the page to show after the act, as a path below the desk."""

    @classmethod
    def made(cls, identity: str, given: Mapping[str, object]) -> Self:
        """Make the act from values by key. Raises Misuse for an unknown key, a missing one, a word not allowed."""
        known = {each.key: each for each in fields_of(cls)}
        for key in given:
            if key not in known:
                raise Misuse(because("act_key_unknown", name=key[:60], known=list(known) or ["–"]))
        for key, each in known.items():
            if each.is_required and key not in given:
                raise Misuse(because("act_key_missing", name=key))
        return cls(identity, **{known[key].name: known[key].value(each) for key, each in given.items()})

    @abstractmethod
    def title(self, unit: DeskUnit) -> str:
        """Return the words by which people recognise the object of the act."""

    @classmethod
    def name(cls) -> str:
        """Return the operation's name: that of the class with a small first letter."""
        return cls.__name__[0].lower() + cls.__name__[1:]

    @classmethod
    def summary(cls) -> str:
        """Return the first line of the docstring, without its full stop."""
        return (cls.__doc__ or "").partition("\n")[0].rstrip(".")


@cache
def fields_of(act: type[OfficerAct]) -> Sequence[ActField]:
    """Return the act's fields, without the id."""
    hints = get_type_hints(act, include_extras=True)
    return tuple(_field(each.name, hints[each.name], each.default) for each in fields(act) if each.name != "id")


def _field(name: str, hint: Any, default: object) -> ActField:
    extras = get_args(hint)[1:] if get_origin(hint) is Annotated else ()
    named = next((each for each in extras if isinstance(each, Named)), Named())
    described = next((each.description for each in extras if isinstance(each, FieldInfo)), None) or ""
    return ActField(
        name, named.key or name, hint, _bare(hint), default, named.help or described, named.metavar, named.by_form
    )


def _bare(hint: Any) -> type:
    """Return the type without bounds and without None."""
    while get_origin(hint) is Annotated:
        hint = get_args(hint)[0]
    if get_origin(hint) in (Union, UnionType):
        return _bare(next(each for each in get_args(hint) if each is not type(None)))
    found = get_origin(hint) or hint
    return found if isinstance(found, type) else str


@cache
def every_act() -> Sequence[type[OfficerAct]]:
    """Return all acts, by room and module, in the order of their declaration: imports may happen in any order."""
    found = []
    for room in ROOMS:
        for name in sorted(each.name for each in pkgutil.iter_modules(import_module(room).__path__, f"{room}.")):
            if name.endswith("_acts"):
                declared = [each for each in vars(import_module(name)).values() if isinstance(each, type)]
                found += [each for each in declared if issubclass(each, OfficerAct) and each.__module__ == name]
    return tuple(each for each in found if "verb" in vars(each))


def deciding(unit: DeskUnit, verb: str, name: str) -> type[OfficerAct] | None:
    """Return the deciding act of that verb for the object with this name, or beginning of one. None: there is none."""
    return next((act for act in every_act() if act.verb == verb and act.decides and act(name).found(unit)), None)


def fingerprint_of(account: Out) -> str:
    """Return the value to compare with `seen`, from the result of `before`."""
    return str(account.as_json()["fingerprint"])
