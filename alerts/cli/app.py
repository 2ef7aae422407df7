"""The command `tocsin`: its options before every command, and a line of it carried out.

The same `carry_out` runs in the command's own process and in the daemon that a line was handed over to. It says in the
station's language what goes wrong, also where Typer found it: Typer speaks English alone, so its sentences are taken
apart and said anew.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Sequence
from copy import copy
from functools import cache
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from alerts import version
from alerts.cli import (
    doctor,
    forgetting,
    listening,
    officer,
    options,
    people,
    polls,
    posting,
    reports,
    screen,
    service,
    subscribers,
)
from alerts.cli.acts import ActGroup, of_act
from alerts.cli.handing import settings_and_line
from alerts.cli.screen import tell
from alerts.model.errors import ConfigurationError, Misuse, TocsinError, Unreadable
from alerts.model.town import Town

if TYPE_CHECKING:
    from alerts.daemon.desk import Control

FAILED, WRONG_USE = 1, 2
_BAD = r"Invalid value for '(?P<name>.+?)': "
# What Typer says of a command line, and how we say it: it has no words but English ones.
_WRONGLY_TYPED = (
    (r"No such option: (?P<name>\S+)", "%(name)s: no such option"),
    (r"No such option: (?P<name>\S+) \(\D+: (?P<near>.+)\)", "%(name)s: no such option; did you mean %(near)s?"),
    (r"No such command '(?P<name>.*)'\.", "%(name)s: no such command; `%(group)s --help` lists them"),
    (
        r"No such command '(?P<name>.*)'\. Did you mean (?P<near>.+)\?",
        "%(name)s: no such command; did you mean %(near)s?",
    ),
    (r"Missing (?:argument|option) '(?P<name>.+?)'\.", "%(name)s is missing"),
    (r"Missing option '(?P<name>.+?)'\. Choose from:(?P<near>.+)", "%(name)s is missing; allowed: %(near)s"),
    (r"Got unexpected extra argument\(?s?\)? \((?P<name>.*)\)", "%(name)s: nothing more may follow"),
    (r"Option '(?P<name>.+)' requires an argument\.", "%(name)s: a value is missing"),
    (r"Option '(?P<name>.+)' does not take a value\.", "%(name)s takes no value"),
    (rf"{_BAD}'(?P<text>.+)': (?P<said>.+)", "%(name)s: %(text)s can't be opened: %(said)s"),
    (rf"{_BAD}Input should be a valid integer.*", "%(name)s: a whole number is needed"),
    (rf"{_BAD}.* greater than or equal to (?P<least>\d+)", "%(name)s: %(least)s and more"),
)

app = typer.Typer(
    name="tocsin",
    cls=ActGroup,
    help="Broadcast a town's alerts to networks, telephones and screens: fast, governed, nothing lost, nothing twice.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
db = typer.Typer(help="The database: migrations, everything as JSON lines, backups.", no_args_is_help=True)
app.add_typer(db, name="db")
app.add_typer(people.user, name="user")
app.add_typer(people.token, name="token")
app.add_typer(people.audit, name="audit")
app.add_typer(subscribers.subscribers, name="subscribers")
app.add_typer(polls.poll, name="poll")
app.add_typer(subscribers.push, name="push")
app.add_typer(subscribers.mail, name="mail")
app.add_typer(subscribers.sms, name="sms")
app.add_typer(listening.heard, name="heard")
app.add_typer(listening.question, name="question")
app.add_typer(listening.words, name="words")
app.add_typer(listening.block, name="block")
app.add_typer(officer.channel, name="channel")
app.add_typer(reports.report, name="report")


class Settings:
    """The options before the command; the configuration is read when a command asks for it."""

    def __init__(self, file: Path, fleet: Path | None = None) -> None:
        self.file = file
        self._fleet = fleet

    def of_fleet(self, folder: Path) -> Settings:
        """The same of the operators' desk of a folder of towns."""
        return Settings(self.file, folder)

    def load(self, *, writes: bool = True) -> Town:
        """channels.toml, checked, or the fleet's desk.

        Raises ConfigurationError. Where the command `writes`, raises Misuse if that would be root's in another user's
        folder, and StoreError if the database is another town's of the same fleet.
        """
        from alerts.config import fleet_desk, load_config
        from alerts.fleet.folder import must_be_its_own

        town = fleet_desk(self._fleet) if self._fleet is not None else load_config(self.file)
        if writes:
            options.must_not_be_roots(town.beside)
            if self._fleet is None:
                must_be_its_own(self.file.resolve().parent, town.database)
        return town

    def control(self) -> Control:
        """Where the command meets the desk: in its own process, or in the daemon that it was handed to."""
        from alerts.daemon.desk import Control

        caller = screen.CALLER.get()
        return Control(self.load()) if caller is None else caller.control()


def settings_file(named: Path | None) -> Path:
    """The configuration: the one that was named, else that of the environment, else the one of this folder."""
    return named or Path(os.environ.get("TOCSIN_CONFIG") or "channels.toml")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"tocsin {version()}")
        raise typer.Exit


@app.callback()
def _before(
    context: typer.Context,
    config: Annotated[
        Path | None,
        typer.Option("--config", metavar="FILE", help="channels.toml (else TOCSIN_CONFIG, else ./channels.toml)"),
    ] = None,
    _: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")] = False,
) -> None:
    context.obj = Settings(settings_file(config))


app.command("demo")(service.demo)
app.command("init")(service.begin)
app.command("setup")(service.setup)
app.command("run")(service.run)
app.command("post")(posting.post)
app.command("update")(posting.update)
app.command("cancel")(posting.cancel)
app.command("correct")(posting.correct)
app.command("status")(officer.status)
app.command("approve")(officer.approve)
app.command("reject")(officer.reject)
app.command("gone")(officer.gone)
app.command("retry")(of_act)
app.command("drop")(of_act)
app.command("explain")(officer.explain)
app.command("reports")(reports.reports)
app.command("forget")(forgetting.forget)
app.command("preview")(posting.preview)
app.command("check")(service.check)
app.command("doctor")(doctor.doctor)
app.command("sandbox")(service.sandbox)
app.command("map")(service.street_map)
db.command("upgrade")(service.upgrade)
db.command("export")(service.export)
db.command("backup")(service.backup)
db.command("restore")(service.restore)
db.command("copy")(service.copy)


def carry_out(given: Sequence[str], file: Path | None = None) -> int:
    """Carry out a command line, and say what goes wrong in its station's language; returns the exit status.

    `file` is the configuration, where it isn't the one that the line names.
    """
    # First of all: what is wrong with the line itself is told in the station's language too.
    screen.address(file or settings_file(_named(given)))
    screen.TYPED.set(tuple(given))
    # Bytes that are no UTF-8 come in as lone surrogates (PEP 383): nothing here could store, send or print them.
    for place, argument in enumerate(given, start=1):
        if any("\ud800" <= character <= "\udfff" for character in argument):
            return _say(tell("argument %(place)s is not UTF-8 text", place=place), WRONG_USE)
    # Typer by itself would print English sentences and end the process, which may be a daemon.
    typed = "".join(settings_and_line(given)[1][:1])
    names = {each.name for each in app.registered_commands} | {each.name for each in app.registered_groups}
    name = typed if typed in names else ""  # what is none is kept nowhere: of those there is no end
    return exit_status(lambda: _command(name).main(args=_spell_out(given), prog_name="tocsin", standalone_mode=False))


@cache
def _command(name: str = "") -> typer.core.TyperGroup:
    """The command of that name as Typer reads it, or all of them: to build the others takes a while.

    Kept, since a daemon carries out many lines, at the same time too.
    """
    some = copy(app)
    if name:
        some.registered_commands = [each for each in app.registered_commands if each.name == name]
        some.registered_groups = [each for each in app.registered_groups if each.name == name]
    command = typer.main.get_command(some)
    assert isinstance(command, typer.core.TyperGroup)  # noqa: S101 it has commands
    return command


def exit_status(work: Callable[[], object]) -> int:
    """Do it, and say what goes wrong; returns the exit status."""
    try:
        status = work()
    # Before their family: these three are wrong use, and end with 2.
    except (ConfigurationError, Misuse, Unreadable) as error:
        return _say(screen.why(error.reason), WRONG_USE)
    except TocsinError as error:
        return _say(screen.why(error.reason), FAILED)
    except typer.Exit as leaving:
        return leaving.exit_code
    except typer.Abort:
        return _say(tell("stopped; nothing was stored"), FAILED)
    except typer.TyperException as error:
        return _say(_wrongly_typed(error.format_message(), _group_of(error)), WRONG_USE)
    except BrokenPipeError:
        # In a daemon it is the command's connection that broke; the daemon's own standard output stays open.
        if screen.CALLER.get() is not None:
            raise
        # Whoever read us has seen enough; Python would complain once more at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except OSError as error:
        return _say(tell("the answer can't be written: %(said)s", said=tell(error.strerror or str(error))), FAILED)
    return status if isinstance(status, int) else 0


def _named(arguments: Sequence[str]) -> Path | None:
    """Return the file after `--config`: errors are worded in its language, even if Typer gives up before it."""
    for option, value in zip_longest(arguments, arguments[1:]):
        name, sign, inline = option.partition("=")
        if name == "--config" and (inline or (value and not sign)):
            return Path(inline or value)
    return None


def _group_of(error: typer.TyperException) -> str:
    """Return the words before the wrong one: `tocsin`, or `tocsin poll`."""
    context = getattr(error, "ctx", None)
    return context.command_path if context is not None else "tocsin"


def _wrongly_typed(said: str, group: str) -> str:
    """Return Typer's message in the town's language; an unknown one stays as it is."""
    for pattern, sentence in _WRONGLY_TYPED:
        if found := re.fullmatch(pattern, said.strip(), re.DOTALL):
            values = {name: " ".join(value.split()) for name, value in found.groupdict().items()}
            return tell(sentence, **values | {"said": tell(values.get("said", "")), "group": group})
    return said


def _spell_out(arguments: Sequence[str]) -> list[str]:
    """`--wait=30s` as the two options that Typer can read: it has none whose value may be left out."""
    spelled: list[str] = []
    for argument in arguments:
        name, sign, span = argument.partition("=")
        spelled += ["--wait", f"--wait-for={span}"] if name == "--wait" and sign else [argument]
    return spelled


def _say(text: str, status: int) -> int:
    # The help that Typer shows where no command is named is nobody's complaint.
    speaker = "" if text.startswith("Usage: ") else "tocsin: "
    for line in text.splitlines():
        screen.say(f"{speaker}{line}")
    return status
