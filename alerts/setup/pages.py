"""The steps of setting up, as pages: from the town and its channels to the accounts, and the missing parts.

GET /desk/setup, /desk/setup/STEP a step, from the present lines of channels.toml POST /desk/setup/STEP the input of a
step

Every form carries the lines so far, so nothing is stored here and a reload loses nothing. A step changes one table of
the lines (`lines`) by its form (`forms`), and asks the workshop for their faults and for the results of trying them.
Nothing is written before the last pages' button.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from alerts.model.errors import ConfigurationError, TocsinError
from alerts.model.incident import MANUAL
from alerts.model.person import Account, Role
from alerts.model.reason import Reason, because
from alerts.model.town import MAIL, PUSH
from alerts.rendering.i18n import Words
from alerts.setup import forms
from alerts.setup.forms import PUSH_KEY, usual_secret
from alerts.setup.lines import has_table, names_in, parse, table_of, with_table, without_table
from alerts.setup.workshop import ChannelTrial, KindForm, SourceTrial, Workshop, channel_forms, source_forms
from alerts.web.console.entering import LONGEST_LINES as LONGEST
from alerts.web.console.entering import fields_of
from alerts.web.console.frame import Frame

STEPS = ("station", "channels", "sources", "people", "duty", "lines", "accounts", "ready")
# Tables that mean something even if they are empty.
_SPEAKING = ("push", "reports")
_NEVER_KEPT_OUT = ("lines", "accounts")
ROLES = (Role.ADMINISTRATOR, Role.APPROVER, Role.AUTHOR, Role.VIEWER)


@dataclass(frozen=True, slots=True)
class Preset:
    """A channel that a step offers: the step, the initial settings, and whether those on call are notified there."""

    step: str
    values: Mapping[str, Any]
    notified: bool = False


PRESETS: Mapping[str, Preset] = {
    "exercise": Preset("duty", {"kind": "telegram", "name": "exercices", "exercise": True}),
    "team": Preset("duty", {"kind": "telegram", "name": "equipe", "public": False}, notified=True),
    "letters": Preset("people", {"kind": "mail", "name": "lettre", "subscriptions": True}),
}
"""The channels that the steps of residents and of those on call offer."""


@dataclass
class View:
    """The content of one page: a step, the lines so far, an open form, the result of a trial."""

    step: str
    lines: str
    editing: str | None = None
    kind_form: KindForm | None = None
    preset: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)
    wrong: dict[str, Reason | str] = field(default_factory=dict)
    channel: ChannelTrial | None = None
    trials: list[ChannelTrial | SourceTrial] = field(default_factory=list)
    source: SourceTrial | None = None
    written: str = ""
    added: tuple[str, str] | None = None
    refused: Reason | None = None
    is_file_unread: bool = False


class Setup:
    """The pages, whoever asks: the door before them lets in who sits at this machine."""

    def __init__(self, frame: Frame, workshop: Workshop) -> None:
        self._frame = frame
        self._workshop = workshop

    def routes(self) -> list[web.RouteDef]:
        """Their addresses, below the desk's."""
        return [
            web.get("/setup", self.begin),
            web.get("/setup/{step}", self.begin),
            web.post("/setup/{step}", self.go_on),
        ]

    async def begin(self, request: web.Request) -> web.Response:
        """Show a step, from the present lines of channels.toml."""
        step = request.match_info.get("step", STEPS[0])
        if step not in STEPS:
            raise web.HTTPNotFound
        try:
            lines = self._workshop.lines()
        except ConfigurationError:
            lines = ""  # the page tells it, and has no form to save
        return await self._page(request, View(step, lines))

    async def go_on(self, request: web.Request) -> web.Response:
        """Handle the input of a step, on the lines that its form carries."""
        step = request.match_info["step"]
        if step not in STEPS:
            raise web.HTTPNotFound
        form = await fields_of(request)
        # Browsers send a textarea's lines with CRLF (WHATWG HTML, form submission).
        lines = form.get("lines", "").replace("\r\n", "\n")
        if len(lines) > LONGEST:
            raise web.HTTPRequestEntityTooLarge(LONGEST, len(lines))
        do, _, name = form.get("do", "").partition(":")
        if (step, do) == ("lines", "download"):
            # The lines as a file to be kept: what was typed, and nothing of the page around it.
            headers = {"Content-Disposition": 'attachment; filename="channels.toml"'}
            return web.Response(body=lines.encode(), content_type="application/toml", charset="utf-8", headers=headers)
        view = View(step, lines)
        if not await self._kept_out(view):
            view = await self._do(request, view, do, name, form)
        return await self._page(request, view)

    async def _kept_out(self, view: View) -> Sequence[Reason]:
        """Return the faults that keep the forms from being shown and saved: they would lose what they can't hold.

        The step of the lines shows any, that of accounts none; but no file is written over that can't be read.
        """
        try:
            self._workshop.lines()
        except ConfigurationError as error:
            view.is_file_unread = True
            return error.problems
        return () if view.step in _NEVER_KEPT_OUT else await self._workshop.unfillable(view.lines)

    async def _do(self, request: web.Request, view: View, do: str, name: str, form: forms.Form) -> View:
        if view.step == "station" and do == "save":
            return await self._save_station(request, view, form)
        if view.step in ("people", "duty", "lines", "accounts", "ready"):
            return await self._keep(request, view, do, name, form)
        match do:
            case "add":
                self._begin_entry(view, {"kind": form.get("kind", "")})
            case "edit":
                self._open(view, name)
            case "save":
                await self._save(request, view, name, form)
            case "remove":
                view.lines = without_table(view.lines, f"{view.step}.{name}")
            case "test" | "show":
                await self._try(request, view, do, name, form)
        return view

    async def _keep(self, request: web.Request, view: View, do: str, name: str, form: forms.Form) -> View:
        """Carry out the last steps: notify those on call, write the lines, add an account, send an exercise."""
        try:
            match view.step, do:
                case "people", "save":
                    await self._keep_tables(view, forms.people(form, hearing(view.lines)), name)
                case "duty", "save":
                    await self._keep_tables(view, forms.duty(form, names_in(view.lines, "channels")), name)
                # Lines that the daemon wouldn't start with are never written.
                case "lines", "write" if not await self._workshop.problems(view.lines):
                    self._make_push_key(view.lines)
                    view.written = self._workshop.write(view.lines)
                case "accounts", "add-person":
                    await self._add_person(view, form)
                case "ready", "try":
                    await self._try_all(view)
                case "ready", "exercise":
                    await self._send_exercise(request, view)
        except TocsinError as error:
            view.refused = error.reason
        except OSError as error:
            view.refused = because("config_unwritten", said=error.strerror or error)
        return view

    async def _try_all(self, view: View) -> None:
        """Ask each channel's platform, and read each source, so that nothing is called ready that wasn't tried."""
        view.trials += [await self._workshop.try_channel(view.lines, name) for name in names_in(view.lines, "channels")]
        view.trials += [await self._workshop.try_source(view.lines, name) for name in polled(view.lines)]

    async def _keep_tables(self, view: View, tables: Mapping[str, Mapping[str, Any] | None], after: str) -> None:
        """Put these tables into the lines, or take them out; with something wrong in one, none is kept.

        `after` is the next step, or the channel of `PRESETS` that is begun next.
        """
        lines = view.lines
        for table, values in tables.items():
            # A key of push that is in use stays: with another one nobody who subscribed is reached any more.
            kept = {"key": key} if table == "push" and (key := table_of(lines, table).get("key")) else {}
            lines = without_table(lines, table) if values is None else _with(lines, table, {**values, **kept})
        for table in tables:
            view.wrong |= {key or table: wrong for key, wrong in (await self._wrong(table, lines)).items()}
        if view.wrong:
            view.values = tables
            return
        view.lines = lines
        if after in STEPS:
            view.step = after
        elif after in PRESETS:
            view.step, view.preset = "channels", after
            self._begin_entry(view, PRESETS[after].values)

    def _begin_entry(self, view: View, values: Mapping[str, Any]) -> None:
        """Open the form of a new channel or source, under a name that none has yet."""
        view.editing, view.kind_form = "", self._kind_form(view.step, values["kind"])
        usual, taken = values.get("name") or values["kind"], names_in(view.lines, view.step)
        others = (f"{usual}-{number}" for number in itertools.count(2))
        name = next(each for each in itertools.chain((usual,), others) if each not in taken)
        view.values = {**values, "name": name}

    def _make_push_key(self, lines: str) -> None:
        place = table_of(lines, "push").get("key")
        if isinstance(place, dict) and place.get("file") == PUSH_KEY:
            self._workshop.make_push_key(PUSH_KEY)

    async def _add_person(self, view: View, form: forms.Form) -> None:
        role = next((each for each in ROLES if each.value == form.get("role")), Role.ADMINISTRATOR)
        name = form.get("person", "")
        view.added = (name, (await self._workshop.add_person(name, role)).reveal())

    async def _send_exercise(self, request: web.Request, view: View) -> None:
        """Post a test to the exercise channel, by the way that shows nothing to the public."""
        [name, *_] = with_exercises(view.lines) or [""]
        text = self._frame.words(request).gettext("EXERCISE – a test of Tocsin. Nothing has happened.")
        chat = str(table_of(view.lines, f"channels.{name}").get("chat", ""))
        view.channel = await self._workshop.show(view.lines, name, text, chat)

    async def _save_station(self, request: web.Request, view: View, form: forms.Form) -> View:
        typed = forms.station(form, self._frame.words(request))
        lines, wrong = with_table(view.lines, "station", typed.values), dict(typed.wrong)
        machine = forms.server(form)
        for table, values in machine.items():
            lines = _with(lines, table, values)
        for table, key in (("store", "store"), ("web", "proxies")):
            wrong.update((key, problem) for problem in (await self._wrong(table, lines)).values())
        wrong = await self._wrong("station", lines) | wrong
        if wrong:
            typed.values |= {"store": machine["store"]["url"], "proxies": machine["web"]["proxies"]}
            return View("station", lines, values=typed.values, wrong=wrong)
        return View("channels", lines)

    def _open(self, view: View, name: str) -> None:
        view.values = table_of(view.lines, f"{view.step}.{name}")
        view.editing, view.kind_form = name, self._kind_form(view.step, str(view.values.get("kind", "")))

    async def _save(self, request: web.Request, view: View, was: str, form: forms.Form) -> None:
        """Put a channel or source into the lines; with something wrong nothing is kept, and its form stays open."""
        kind_form = self._kind_form(view.step, form.get("kind", ""))
        if kind_form is None:
            return
        words = self._frame.words(request)
        typed = forms.entry(form, kind_form, words)
        if typed.name != was and typed.name in names_in(view.lines, view.step):
            typed.wrong["name"] = words.gettext("There is already one with this name; choose another.")
        if "name" not in typed.wrong:
            # Keys that no form asks for, such as `limits`, stay as they were.
            kept = {**table_of(view.lines, f"{view.step}.{was}"), **typed.values} if was else typed.values
            lines = without_table(view.lines, f"{view.step}.{was}") if was not in ("", typed.name) else view.lines
            lines = with_table(lines, f"{view.step}.{typed.name}", kept)
            typed.wrong = await self._wrong(f"{view.step}.{typed.name}", lines) | typed.wrong
            if not typed.wrong:
                self._take_entry(view, typed.name, lines, form.get("preset", ""))
        if typed.wrong:
            view.preset = form.get("preset", "")
            view.editing, view.kind_form = was, kind_form
            view.values, view.wrong = typed.values | {"name": typed.name}, typed.wrong

    def _take_entry(self, view: View, name: str, lines: str, preset: str) -> None:
        """Take the lines with a saved entry; one of `PRESETS` leads back to its step."""
        begun = PRESETS.get(preset)
        if begun is not None and begun.notified:
            on_call = table_of(lines, "notify").get("channels") or []
            lines = with_table(lines, "notify", {"channels": [*on_call, name]})
        view.lines = lines
        if begun is not None:
            view.step = begun.step

    async def _try(self, request: web.Request, view: View, do: str, name: str, form: forms.Form) -> None:
        if view.step == "sources":
            view.source = await self._workshop.try_source(view.lines, name)
        elif do == "test":
            view.channel = await self._workshop.try_channel(view.lines, name)
        else:
            station = str(table_of(view.lines, "station").get("name", "Tocsin"))
            text = self._frame.words(request).gettext(
                "%(station)s: a test of Tocsin. No reader sees this.", station=station
            )
            view.channel = await self._workshop.show(view.lines, name, text, form.get("chat"))

    def _kind_forms(self, step: str) -> Sequence[KindForm]:
        return channel_forms() if step == "channels" else source_forms()

    def _kind_form(self, step: str, kind: str) -> KindForm | None:
        return next((each for each in self._kind_forms(step) if each.name == kind), None)

    async def _wrong(self, table: str, lines: str) -> dict[str, Reason | str]:
        """Return the loader's faults of a table, by its keys; those of the table itself are under ""."""
        wrong: dict[str, Reason | str] = {}
        for problem in await self._workshop.problems(lines):
            place, what = str(problem["key"] or ""), problem["what"]
            # With the dots: `channels.x` must not get the faults of `channels.x2`.
            if isinstance(what, Reason) and f"{place}.".startswith(f"{table}."):
                wrong.setdefault(place.removeprefix(table).lstrip(".").partition(".")[0].partition("[")[0], what)
        return wrong

    async def _page(self, request: web.Request, view: View) -> web.Response:
        accounts = await self._workshop.people() if view.step in ("accounts", "ready") else None
        people = [each for each in accounts if each.disabled_at is None] if accounts is not None else None
        words = self._frame.words(request)
        kept_out = await self._kept_out(view)
        # No form is shown of lines that it can't hold, so nothing is read of them for one.
        is_shown = not (kept_out or (view.step in _NEVER_KEPT_OUT and await self._workshop.unfillable(view.lines)))
        lines = view.lines if is_shown else ""
        # A source's posts are shown in the town's name.
        town = {"station": view.source.town} if view.source and view.source.town else {}
        return self._frame.page(
            request,
            "setup.html",
            status=422 if view.wrong else 200,
            view=view,
            steps=STEPS,
            kept_out=kept_out,
            problems=await self._workshop.problems(view.lines) if view.step == "lines" else (),
            station_table=self._station(view, lines),
            files=self._workshop.files() if view.step == "station" else (),
            people_tables=_people(view, lines),
            letters=[n for n in names_in(lines, "channels") if is_for_subscribers(table_of(lines, f"channels.{n}"))],
            usual_secret=usual_secret,
            entries={name: table_of(lines, f"{view.step}.{name}") for name in names_in(lines, view.step)},
            sheets=self._kind_forms(view.step) if view.step in ("channels", "sources") else (),
            hidden=self._workshop.hidden,
            trials=self._workshop.trials(lines, names_in(lines, "channels")),
            private=_private_chats(lines),
            people=people,
            duty=_duty(view, lines),
            channels=names_in(lines, "channels"),
            roles=ROLES,
            exercises=with_exercises(lines),
            needs=await needs(lines, self._workshop, people or (), words) if view.step == "ready" else (),
            untested=untested(lines, words) if view.step == "ready" else (),
            is_unwritten=parse(view.lines) is not None and not self._workshop.has_written(view.lines),
            four_eyes=four_eyes([person.role for person in people or ()]),
            by_oneself=table_of(lines, "desk").get("alone") is True,
            **town,
        )

    def _station(self, view: View, lines: str) -> Mapping[str, Any]:
        """Return the values of the first form: the input, else the lines', with lists as they are typed."""
        values = view.values if view.step == "station" and view.values else _station_values(lines)
        if not values.get("store") and not has_table(lines, "store"):
            values = {**values, "store": self._workshop.usual_store()}
        between = {"areas": " ", "proxies": " ", "numbers": "\n"}
        lists = {
            key: by.join(map(str, values[key])) for key, by in between.items() if isinstance(values.get(key), list)
        }
        return {**values, **lists}


def _with(lines: str, table: str, values: Mapping[str, Any]) -> str:
    """The lines with these keys of a table; one that would say nothing isn't begun, unless it speaks by being there."""
    says = table in _SPEAKING or any(value is not None for value in values.values())
    return with_table(lines, table, values) if says or has_table(lines, table) else lines


def _station_values(lines: str) -> dict[str, Any]:
    """Return the values in the lines about the town and its machine."""
    machine = {"store": table_of(lines, "store").get("url"), "proxies": table_of(lines, "web").get("proxies")}
    return {**table_of(lines, "station"), **machine}


def _people(view: View, lines: str) -> dict[str, Any]:
    """Return the values of the form about residents: the input, else the lines'."""
    names = ("push", "reports", "listening")
    values = dict(view.values) if view.step == "people" and view.values else {}
    tables = {name: values[name] if values else _or_none(lines, name) for name in names}
    heard = {name: (values.get(f"channels.{name}") or table_of(lines, f"channels.{name}")) for name in hearing(lines)}
    return tables | {"heard": {name: table.get("hears") is True for name, table in heard.items()}}


def _duty(view: View, lines: str) -> Mapping[str, Any]:
    """Return the values of the form about those on call: the input, else the lines'.

    Its choices are the channels that neither the public nor exercises have, and those that are notified anyway.
    """
    typed = dict(view.values) if view.step == "duty" and view.values else {}
    notify, manual = (typed.get(name) or table_of(lines, name) for name in ("notify", "sources.manual"))
    notified = list(notify.get("channels") or ())
    others = {*public_channels(lines), *with_exercises(lines)} - {*notified}
    return {
        "choices": [name for name in names_in(lines, "channels") if name not in others],
        "notified": notified,
        "heartbeat": notify.get("heartbeat"),
        "manual": manual.get("publish") or "auto",
    }


def _or_none(lines: str, name: str) -> dict[str, Any] | None:
    return table_of(lines, name) if has_table(lines, name) else None


def hearing(lines: str) -> list[str]:
    """The channels whose form asks whether people are heard there."""
    asked = {each.name for each in channel_forms() if any(key.name == "hears" for key in each.keys)}
    return [name for name in public_channels(lines) if table_of(lines, f"channels.{name}").get("kind") in asked]


def is_for_subscribers(channel: Mapping[str, Any]) -> bool:
    """True if it is e-mail that people subscribe to."""
    return channel.get("kind") == MAIL and channel.get("subscriptions") is True


def public_channels(lines: str) -> list[str]:
    """The channels that speak to the public."""
    tables = {name: table_of(lines, f"channels.{name}") for name in names_in(lines, "channels")}
    return [n for n, each in tables.items() if each.get("exercise") is not True and each.get("public") is not False]


def _private_chats(lines: str) -> list[str]:
    """Telegram chats that the lines themselves call unread by the public."""
    tables = [table_of(lines, f"channels.{name}") for name in names_in(lines, "channels")]
    private = [table for table in tables if table.get("exercise") is True or table.get("public") is False]
    return [str(table["chat"]) for table in private if str(table.get("chat", "")).lstrip("-").isdecimal()]


def four_eyes(roles: Sequence[Role]) -> bool:
    """True if one person's alert can be validated by another."""
    authors = [role for role in roles if role.at_least(Role.AUTHOR)]
    return len(authors) > 1 and any(role.at_least(Role.APPROVER) for role in roles)


@dataclass(frozen=True, slots=True)
class Need:
    """One thing that a station needs: whether it is there, in words, the step where it is met, and what is missing.

    `is_needed` is False for what one can start without.
    """

    met: bool
    words: str
    step: str
    missing: Sequence[Reason] = ()
    is_needed: bool = True


def polled(lines: str) -> list[str]:
    """The sources that are read, officers aside."""
    return [name for name in names_in(lines, "sources") if name != MANUAL]


def untested(lines: str, words: Words) -> list[str]:
    """Return the words for all that nothing here can test, so that nobody takes it for tested."""
    _ = words.gettext
    left = [_("whether a post reaches people: only an exercise, and then the first alert, shows it")]
    if table_of(lines, "notify").get("heartbeat"):
        left.append(_("the address of the watch: the daemon calls it once it runs; see there that it was called"))
    else:
        left.append(_("whether the machine is up: no watch is named that would notice if it weren’t"))
    if has_table(lines, "push"):
        left.append(_("notifications on telephones (push): subscribe with your own"))
    left.append(_("the public address from outside: open it with a telephone off the town’s network"))
    return left


def with_exercises(lines: str) -> list[str]:
    """The channels that take exercises, and nothing else."""
    return [name for name in names_in(lines, "channels") if table_of(lines, f"channels.{name}").get("exercise") is True]


async def needs(lines: str, workshop: Workshop, people: Sequence[Account], words: Words) -> list[Need]:
    """Return the needs of a town with these lines, in the order of the steps."""
    _, problems = words.gettext, await workshop.problems(lines)
    public, channels, station = (
        public_channels(lines),
        table_of(lines, "notify").get("channels"),
        _station_values(lines),
    )
    untried, sources = workshop.unanswered(lines, names_in(lines, "channels")), polled(lines)
    unread = workshop.unread(lines, sources)
    address = str(station.get("public_url") or "")
    # Of lines that are wrong nobody knows which secrets they mean.
    unreadable = () if problems else await workshop.unreadable(lines)
    administers = any(person.role is Role.ADMINISTRATOR for person in people)
    pairs = four_eyes([person.role for person in people]) or table_of(lines, "desk").get("alone") is True
    needed = [
        Need(not problems, _("The lines are right: Tocsin would start with them."), "lines", problems),
        Need(bool(address), _("The public address is set: posts lead to the town’s own page."), "station"),
        Need(bool(public), _("A channel speaks to the public."), "channels"),
        Need(
            not problems and not unreadable,
            _("Every secret can be read here."),
            _place_of(unreadable, sources),
            unreadable,
        ),
        Need(
            bool(public) and not untried,
            _("Each channel answered its test, those of the team and for exercises too."),
            "channels",
            [because("untested", name=name) for name in untried] if public else (),
        ),
        Need(bool(channels), _("Those on call are told when something is wrong."), "duty"),
        Need(bool(with_exercises(lines)), _("There is a channel for exercises."), "duty"),
        Need(
            bool(sources) and not unread,
            _("A source brings alerts, and each was read."),
            "sources",
            [because("untested", name=name) for name in unread],
            is_needed=bool(sources),
        ),
        Need(workshop.has_written(lines), _("The lines are saved as channels.toml."), "lines"),
        Need(administers, _("An administrator can sign in."), "accounts"),
    ]
    if address.startswith("https:"):
        named = _("The web server before it is named: without that the desk lets nobody in over https.")
        needed.insert(2, Need(bool(station.get("proxies")), named, "station"))
    if waits_for_somebody(lines):
        needed.append(Need(pairs, _("What one writes, another can validate."), "accounts"))
    return needed


def _place_of(unreadable: Sequence[Reason], sources: Sequence[str]) -> str:
    """The step where the first of these secrets is named."""
    key = str(unreadable[0]["key"]).partition(".")[0] if unreadable else ""
    return "people" if key == PUSH else "sources" if key in sources else "channels"


def waits_for_somebody(lines: str) -> bool:
    """True if an alert can wait for a validation, so that two people are needed."""
    usual = {each.name: each.default("publish") for each in source_forms()}
    tables = (table_of(lines, f"sources.{name}") for name in names_in(lines, "sources"))
    return any((each.get("publish") or usual.get(str(each.get("kind")))) == "approve" for each in tables)
