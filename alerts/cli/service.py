"""An administrator's commands: `run`, `setup`, `demo`, `sandbox`, `check`, and `db` with its commands."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from alerts.cli import options, screen
from alerts.cli.screen import tell

_EDGE = 0.01
"""Degrees that a map goes beyond the districts."""

if TYPE_CHECKING:
    from alerts.cli.app import Settings
    from alerts.model.town import Server


def run(
    context: typer.Context,
    stations: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Many towns in this process: each subfolder with a channels.toml is one."),
    ] = None,
) -> int:
    """Run the daemon: take in the sources, send what is in the outbox, until SIGTERM."""
    import asyncio
    import gc

    if stations is None:  # until it runs (`leave_alone_what_stays`): next to nothing that a start makes goes away again
        gc.disable()

    from alerts.cli.handing import carry_out
    from alerts.cli.running import run_daemon
    from alerts.daemon.commands import Handed
    from alerts.daemon.control import place_of
    from alerts.daemon.telemetry import set_up_log

    if stations is not None:
        from alerts.fleet.process import run_fleet

        options.must_not_be_roots(stations)

        set_up_log(os.environ.get("TOCSIN_LOG", "info"))
        asyncio.run(run_fleet(stations))
        return 0
    place = place_of(context.obj.file)  # before the file is read: changed in between, it is another one to commands
    town = context.obj.load()
    set_up_log(os.environ.get("TOCSIN_LOG", "info"))
    asyncio.run(run_daemon(town, Handed(carry_out, place.seal) if place is not None else None))
    return 0


def demo(
    once: Annotated[bool, typer.Option("--once", help="Exit when all is delivered: 0 if all was.")] = False,
    folder: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where it keeps its files (else a new one).")
    ] = None,
) -> int:
    """Show all of it on this machine: stand-ins of three platforms, sample feeds, each delivery as it happens."""
    import asyncio

    from alerts.daemon.telemetry import set_up_log
    from alerts.demo.show import run_demo

    set_up_log(os.environ.get("TOCSIN_LOG", "error"))
    return asyncio.run(run_demo(folder, once=once, say=screen.show))


def sandbox(
    listen: Annotated[str, typer.Option(metavar="HOST:PORT", help="Where it answers.")] = "127.0.0.1:8081",
    state: Annotated[Path | None, typer.Option(metavar="DIR", help="Keep the posts here over a restart.")] = None,
    limits: Annotated[bool, typer.Option(help="Enforce the platforms' rates.")] = True,
) -> int:
    """Run the local stand-ins of the platforms alone, with a page that shows their timelines."""
    import asyncio

    from alerts.demo import run_sandbox

    return asyncio.run(run_sandbox(listen, state, limits=limits, say=screen.show))


def check(
    context: typer.Context,
    live: Annotated[bool, typer.Option("--live", help="Also ask each feed and each platform.")] = False,
) -> int:
    """Check the configuration and the templates; --live also each feed and each credential."""
    import asyncio

    from alerts.health.checkup import check_at_rest, check_live

    town = context.obj.load(writes=False)
    findings = check_at_rest(town)
    if live:
        findings += asyncio.run(check_live(town))
    for finding in findings:
        (screen.show if finding.good else screen.say)(str(finding))
    bad = [finding for finding in findings if not finding.good]
    return 0 if not bad else 2 if any(finding.misuse for finding in bad) else 1


def upgrade(context: typer.Context) -> int:
    """Bring the database up to date, creating it where there is none; `run` does this too."""
    from alerts.store.connection import migrate
    from alerts.store.files import HEAD

    town = context.obj.load()
    done = migrate(town.database)
    message = "%(file)s is now at %(version)s" if done else "%(file)s is already at %(version)s"
    screen.say(tell(message, file=town.database, version=HEAD))
    return 0


def export(
    context: typer.Context,
    with_heard: Annotated[
        bool, typer.Option("--with-heard", help="Also what people said, and the ids of who said it.")
    ] = False,
) -> int:
    """Print everything the database holds as JSON lines."""
    from alerts.access.audit import AuditEvent
    from alerts.store.connection import migrate
    from alerts.store.unit import asking

    town = context.obj.load()
    migrate(town.database)
    what = "with what people said" if with_heard else "without what people said"
    options.write_down(town.database, AuditEvent.DATABASE_EXPORTED, "database", what)
    # The file of an older version has been brought up to date by now: its rows are told in this version's columns.
    with asking(town.database) as unit:
        for row in unit.views.export(with_heard=with_heard):
            screen.show_json(row)
    return 0


def backup(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where the copy goes: a file that isn't there yet.")],
) -> int:
    """Copy the database as it is at one moment, while the daemon runs; the copy is checked."""
    from alerts.access.audit import AuditEvent
    from alerts.daemon.desk import now
    from alerts.store.connection import file_of
    from alerts.store.restoring import backup as copy

    town = context.obj.load()
    copy(file_of(town), file, now())
    options.write_down(town.database, AuditEvent.DATABASE_COPIED, "database", f"to {file}")
    screen.say(tell("%(file)s is copied to %(to)s", file=town.database, to=file))
    return 0


def restore(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A copy that `tocsin db backup` made.")],
) -> int:
    """Put a copy in the database's place: what may be out since it was made is looked for before it is sent."""
    from alerts.access.audit import AuditEvent
    from alerts.daemon.desk import now
    from alerts.model.person import AuditEntry, Origin, Role
    from alerts.store.connection import file_of
    from alerts.store.restoring import restore as put_back

    town = context.obj.load()
    login = options.login()
    by = AuditEntry(now(), login, Role.ADMINISTRATOR, Origin.COMMAND, login, AuditEvent.DATABASE_RESTORED, "database")
    kept, gap = put_back(file_of(town), file, by)
    since = f"{gap.since.astimezone(town.zone):%Y-%m-%d %H:%M:%S}" if gap.since else tell("its beginning")
    restored = "%(file)s is restored from %(source)s; it knows nothing of what happened after %(since)s"
    screen.say(tell(restored, file=town.database, source=file, since=since))
    if kept is not None:
        screen.say(tell("the replaced database is kept: %(file)s", file=kept))
    screen.say(
        tell("once `tocsin run` is started again, it looks for posts that may be out since then before it sends them")
    )
    return 0


def copy(
    context: typer.Context,
    source: Annotated[str, typer.Argument(metavar="FROM", help="Where the station is, as [store] url says it.")],
    target: Annotated[str, typer.Argument(metavar="TO", help="Where it goes: sqlite:///… or postgresql://…, empty.")],
    keep: Annotated[
        bool, typer.Option("--keep", help="Only copy: FROM goes on, and a daemon may work on it meanwhile.")
    ] = False,
) -> int:
    """Move a station from SQLite to PostgreSQL or back, every row checked; FROM is refused to daemons then."""
    from alerts.daemon.desk import now
    from alerts.store.copying import called
    from alerts.store.copying import copy as copy_station

    here, there = (_place(context.obj, url) for url in (source, target))
    for each in (here, there):
        options.must_not_be_roots(each if isinstance(each, Path) else each.beside)
    copied = copy_station(here, there, now(), keep=keep)
    done = "%(source)s is copied to %(to)s, and each row is checked; rows: %(rows)s, pictures: %(pictures)s"
    screen.say(tell(done, source=called(here), to=called(there), rows=copied.rows, pictures=copied.pictures))
    if copied.mended:
        screen.say(
            tell("texts in which U+FFFD now stands for what can't be kept there: %(texts)s", texts=copied.mended)
        )
    if keep:
        screen.say(tell("%(source)s goes on: let no daemon work on the copy, or both would send", source=called(here)))
    else:
        moved = "nothing works on %(source)s any more: name %(to)s under [store] url, then start the daemon"
        screen.say(tell(moved, source=called(here), to=called(there)))
    return 0


def _place(settings: Settings, url: str) -> Path | Server:
    """The store that an address names; with the password of channels.toml, where it is the station's own."""
    from alerts.config import store_at
    from alerts.model.errors import ConfigurationError, Misuse
    from alerts.model.reason import reason_of
    from alerts.store.copying import called

    try:
        place = store_at(url, settings.file.resolve().parent)
    except ValueError as error:
        raise Misuse(reason_of(error)) from None
    with contextlib.suppress(ConfigurationError):  # it needn't be there, or right, for others' stores
        own = settings.load(writes=False).database
        return own if called(own) == called(place) else place
    return place


def begin(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The station's folder, such as /etc/tocsin.")],
    language: Annotated[Literal["en", "fr"] | None, typer.Option(help="Else the terminal's.")] = None,
    units: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write systemd's units there too, such as /etc/systemd/system."),
    ] = None,
) -> int:
    """Begin a station: write a channels.toml to change; --units also writes the service that runs it."""
    from alerts.model.errors import Misuse
    from alerts.model.reason import because
    from alerts.setup.beginning import beginning

    options.must_not_be_roots(folder)
    files = beginning(folder.absolute(), language or screen.of_the_terminal(), units)
    if taken := next((each for each in files if each.exists()), None):
        raise Misuse(because("copy_there", path=taken))
    for file, text in files.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        screen.say(tell("%(file)s is written", file=file))
    return 0


def setup(
    context: typer.Context,
    listen: Annotated[str, typer.Option(metavar="HOST:PORT", help="Where the page answers.")] = "127.0.0.1:8080",
) -> int:
    """Set the station up in a browser: it tries channels and sources, and shows the lines for channels.toml."""
    import asyncio

    from pydantic import ValidationError

    from alerts.config import WebSettings
    from alerts.daemon.telemetry import set_up_log
    from alerts.model.errors import Misuse
    from alerts.model.reason import because
    from alerts.model.town import WebSection
    from alerts.setup.session import run_setup

    try:
        # By the rule of `[web] listen`, so that what is allowed here is what is allowed there.
        place = WebSection(listen=WebSettings(listen=listen).listen)
    except ValidationError:
        raise Misuse(because("no_place_to_listen", text=f"--listen {listen!r}", example="127.0.0.1:8080")) from None
    set_up_log(os.environ.get("TOCSIN_LOG", "error"))
    return asyncio.run(run_setup(context.obj.file.resolve(), place, screen.show))


def street_map(context: typer.Context) -> int:
    """Check the town's map with streets ([web] map), and say how to get one."""
    from alerts.health.checkup import box_of, check_street_map

    town = context.obj.load()
    if (name := town.web.map) is not None:
        found = check_street_map(town, name)
        (screen.show if found.good else screen.say)(str(found))
        if not found.good:
            return 2
    if (box := box_of(town)) is None:
        screen.say(tell("[station] boundary says where the town is; without it a map can't be cut"))
        return 0
    # A street that ends at the town's edge is drawn a little further.
    west, south, east, north = (value + push for value, push in zip(box, (-_EDGE, -_EDGE, _EDGE, _EDGE), strict=True))
    bbox = f"{west:.4f},{south:.4f},{east:.4f},{north:.4f}"
    file = name or "commune.pmtiles"
    ways = (
        ("Cut it from a map of the world of a day that https://maps.protomaps.com/builds lists (program: pmtiles):",
         f"pmtiles extract https://build.protomaps.com/YYYYMMDD.pmtiles {file} --bbox={bbox}"),
        ("Or make it from an extract of OpenStreetMap, with Planetiler (https://github.com/onthegomap/planetiler):",
         f"java -jar planetiler.jar --download --area=rhone-alpes --bounds={bbox} --output={file}"),
    )  # fmt: skip
    for words, line in ways:
        screen.show(tell(words))
        screen.show(f"  {line}")
    if name is None:
        screen.show(tell('Then put it beside channels.toml, and below [web]: map = "%(file)s"', file=file))
    return 0
