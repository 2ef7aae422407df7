"""Commands of acts: each is made from the act's declaration (`alerts.desk.act`) once its group is asked for it.

`tocsin GROUP VERB ID` with an option for each field, `--as` and `--json`; `ActGroup` adds them to the commands that are
written by hand. No act is imported for a command that is none, such as `post`. `decide` is `tocsin approve` and
`reject`, which take the id of anything that waits.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, replace
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alerts.cli import options, screen
from alerts.cli.options import officer
from alerts.cli.screen import tell
from alerts.model.person import Act

if TYPE_CHECKING:
    from alerts.daemon.desk import Control
    from alerts.desk.act import ActField, OfficerAct
    from alerts.desk.out import Out
    from alerts.desk.unit import DeskUnit
    from alerts.model.town import Town

Show = Callable[[Any, "Town"], None]
SHOWN: dict[str, Show] = {}
"""How a person is shown each kind of account, by its class's name; without one it is its JSON."""
_UNASKED = ("seen", "was")
"""Keys of the displayed state: a command displays it itself, or displays nothing."""


class ActGroup(typer.core.TyperGroup):
    """A group with the commands of the acts whose words begin with its name (`tocsin poll`: `poll close`)."""

    def __init__(self, *given: Any, **named: Any) -> None:
        self._acts: dict[str, typer.core.TyperCommand] | None = None
        super().__init__(*given, **named)

    @property  # type: ignore[override]
    def commands(self) -> dict[str, Any]:
        """All of them, those of acts too."""
        if self._acts is None:
            self._acts = dict(_commands_in(self.name or ""))
        return self._own | self._acts

    @commands.setter
    def commands(self, own: dict[str, Any]) -> None:
        self._own = own

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of that name: acts are imported where no other has it."""
        own = self._own.get(cmd_name)
        is_own = own is not None and inspect.unwrap(own.callback) is not of_act
        return own if is_own else super().get_command(ctx, cmd_name)


def of_act() -> int:
    """Keep the place of an act's command among those that are written by hand."""
    raise NotImplementedError


def _commands_in(group: str) -> Iterator[tuple[str, Any]]:
    from alerts.desk.act import every_act

    for act in every_act():
        if act.group == group:
            made = typer.Typer(add_completion=False, rich_markup_mode=None)
            made.command(act.verb, help=act.help or f"{act.summary()}.")(command_of(act))
            yield act.verb, typer.main.get_command(made)


def command_of(act: type[OfficerAct]) -> Callable[..., int]:
    """The function of the act's command, as Typer reads one."""
    from alerts.desk.act import fields_of

    def run(context: typer.Context, name: str, as_json: bool, who: str | None, **given: Any) -> int:
        keys = {each.name: each.key for each in fields_of(act)}
        made = act.made(name, {keys[each]: value for each, value in given.items() if value not in (None, [])})
        return carried_out(context.obj.control(), made, who, as_json=as_json)

    asked = [each for each in fields_of(act) if each.key not in _UNASKED and not each.by_form]
    taken = {
        "context": (typer.Context, MISSING),
        "name": (Annotated[str, typer.Argument(metavar=act.metavar, help=act.names)], MISSING),
        **{each.name: (_option(each), _untold(each)) for each in asked},
        "as_json": (options.Json, False),
        "who": (options.As, None),
    }
    run.__annotations__ = {name: hint for name, (hint, _) in taken.items()} | {"return": int}
    run.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [
            inspect.Parameter(
                name,
                inspect.Parameter.KEYWORD_ONLY,
                default=inspect.Parameter.empty if default is MISSING else default,
                annotation=hint,
            )
            for name, (hint, default) in taken.items()
        ]
    )
    return run


def _option(field: ActField) -> Any:
    name = f"--{field.key.replace('_', '-')}"
    if field.kind is bool:
        return Annotated[bool, typer.Option(name, help=field.help)]
    kind: Any = list[str] if field.kind is tuple else str
    option = typer.Option(name, metavar=field.metavar, help=field.help)
    return Annotated[kind if field.is_required else kind | None, option]


def _untold(field: ActField) -> object:
    if isinstance(field.default, Enum):
        return field.default.value
    return False if field.kind is bool else MISSING if field.is_required else None


def carried_out(control: Control, act: OfficerAct, who: str | None, *, as_json: bool = False) -> int:
    """Carry an act out, and show what it came to; where it validates, show before what that lets out, and ask."""
    show = screen.show_json if as_json else partial(_show, control.town)
    made = _looked_at(control, act, show) if hasattr(act, "seen") else act

    def action(unit: DeskUnit) -> tuple[Any, Out]:
        done = made.done_by(officer(unit, who, Act.APPROVE if made.decides else made.permission))
        return done, made.account(unit, done)

    (done, account), _ = control.act(action)
    if not as_json and (sentence := made.says(done)):
        screen.say(tell(sentence, **{key: _line(value) for key, value in made.values(done).items()}))
    else:
        show(account)
    return 0


def _looked_at(control: Control, act: OfficerAct, show: Callable[[Out], None]) -> OfficerAct:
    """The act on exactly what is shown now: somebody may decide, or change it, while it is read."""
    from alerts.desk.act import fingerprint_of

    before = control.ask(act.before)
    show(before)
    if sys.stdin.isatty() and sys.stderr.isatty():
        screen.agreed("Validate this? (yes/no)")
    return replace(act, seen=fingerprint_of(before))  # type: ignore[call-arg]


def _show(town: Town, account: Out) -> None:
    show = SHOWN.get(type(account).__name__)
    screen.show_json(account) if show is None else show(account, town)


def _line(value: object) -> object:
    """A list of channels in one line: none of them is the town's page."""
    if not isinstance(value, tuple | list):
        return value
    return ", ".join(map(str, value)) or tell("the town’s page alone")


def decide(control: Control, verb: str, name: str, who: str | None, given: Mapping[str, object]) -> None:
    """Carry out the act of that verb on what has that name, with what it takes; what nothing else has is an alert's."""
    from alerts.desk.act import deciding, every_act, fields_of

    of_alert = next(each for each in every_act() if each.of == "alerts" and each.verb == verb)
    act = control.ask(lambda unit: deciding(unit, verb, name)) or of_alert
    keys = {each.key for each in fields_of(act)}
    carried_out(control, act.made(name, {key: value for key, value in given.items() if key in keys}), who)
