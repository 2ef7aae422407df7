"""The command `tocsin` and its options that stand before every command."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from alerts import __version__
from alerts.cli import amending, officer, people, posting, report, screen, service, setup, subscribers

if TYPE_CHECKING:
    from alerts.config import Config
    from alerts.daemon.desk import Counter

app = typer.Typer(
    name="tocsin",
    help="Broadcast a town's alerts to X, Facebook and Telegram: fast, governed, nothing lost, nothing twice.",
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


class Settings:
    """What the options before the command said; the configuration is read when a command asks for it."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def load(self) -> Config:
        """channels.toml, checked. Raises ConfigurationError."""
        from alerts.config import load_config

        return load_config(self.file)

    def counter(self) -> Counter:
        """Where the command meets the desk: in its own process, or in the daemon that it was handed to."""
        from alerts.daemon.desk import Counter

        caller = screen.CALLER.get()
        return Counter(self.load()) if caller is None else caller.counter()


def settings_file(named: Path | None) -> Path:
    """The configuration: the one that was named, else that of the environment, else the one of this folder."""
    return named or Path(os.environ.get("TOCSIN_CONFIG") or "channels.toml")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"tocsin {__version__}")
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
app.command("setup")(setup.setup)
app.command("run")(service.run)
app.command("post")(posting.post)
app.command("update")(amending.update)
app.command("cancel")(amending.cancel)
app.command("correct")(amending.correct)
app.command("status")(officer.status)
app.command("approve")(officer.approve)
app.command("reject")(officer.reject)
app.command("gone")(officer.gone)
app.command("retry")(officer.retry)
app.command("drop")(officer.drop)
app.command("explain")(officer.explain)
app.command("report")(report.report)
app.command("preview")(posting.preview)
app.command("check")(service.check)
app.command("sandbox")(service.sandbox)
db.command("upgrade")(service.upgrade)
db.command("export")(service.export)
db.command("backup")(service.backup)
db.command("restore")(service.restore)
