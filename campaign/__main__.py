"""`python -m campaign [--kills N] [--alerts N] [--seed S] …`: 0 if every promise was kept, 1 if one wasn't."""

from __future__ import annotations

import argparse
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from functools import partial
from pathlib import Path
from typing import TypeVar

from campaign.carrying import Carrying, carry, carrying_table
from campaign.crowding import Crowded, Crowding, crowding_table, phases
from campaign.forks import ForkServer
from campaign.kinds import CHANNELS, Everywhere, Kinds
from campaign.listening import Conversation, Talked
from campaign.play import Outcome, Play
from campaign.reporting import Reported, Reporting, gatherings, reporting_table
from campaign.schedule import plan
from campaign.subscribing import Subscribed, Subscribing, subscribing_table, tellings
from campaign.table import breaches, listening_table, table
from campaign.talk import talk
from campaign.town import PLATFORM, SECTIONS, Town, platform_of
from campaign.watching import Watched, Watching, happenings, watching_table

Came = TypeVar("Came", bound=Outcome)
_SHOWN_EVERY = 30.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a campaign, print its table and, where a promise was broken, how to see it again."""
    asked = _read(arguments)
    folder = Path(asked.folder or tempfile.mkdtemp(prefix="tocsin-campaign-"))
    began = time.monotonic()
    if asked.forked or asked.since:
        Town.forks = ForkServer()
    outcomes, shown = _played(asked, folder)
    print(shown)
    if Town.forks is not None:
        Town.forks.stop()
    found = breaches(outcomes)
    print("\n".join([f"seed {asked.seed}, {time.monotonic() - began:.0f} s", *found]))
    if found:
        print(f"what was left is in {folder}; again: the same with --seed {asked.seed}", file=sys.stderr)
        return 1
    if asked.folder is None:
        shutil.rmtree(folder)
    return 0


def _played(asked: argparse.Namespace, folder: Path) -> tuple[Sequence[Outcome], str]:
    """What came of the campaign that is asked for, and its table."""
    seed, kills, towns = asked.seed, asked.kills, asked.towns
    daemons, server = asked.daemons, asked.store == "postgresql"
    if asked.recipients and asked.since:
        carried = carry_over(seed, kills, asked.recipients, folder, since=asked.since, server=server)
        return carried, "\n".join((carrying_table([carry(seed, kills)], carried), crowding_table(carried)))
    if asked.recipients:
        texted = asked.texted
        crowds = crowd(seed, kills, asked.recipients, folder, texted=texted, daemons=daemons, server=server)
        return crowds, crowding_table(crowds)
    if asked.reporting:
        reported = report(seed, kills, towns, folder, daemons=daemons, server=server)
        return reported, reporting_table(reported)
    if asked.subscribers:
        subscribed = subscribe(seed, kills, towns, folder, daemons=daemons, server=server)
        return subscribed, subscribing_table(subscribed)
    if asked.watching:
        watched = watch(seed, kills, towns, folder, daemons=daemons, server=server)
        return watched, watching_table(watched)
    if asked.kinds:
        everywhere = all_kinds(seed, kills, asked.alerts, towns, folder, daemons=daemons, server=server)
        return everywhere, table(everywhere)
    if asked.listening:
        heard = listen(seed, kills, towns, folder, daemons=daemons, server=server)
        return heard, listening_table(heard)
    channels = asked.channels.split(",")
    outcomes = run(seed, kills, asked.alerts, towns, folder, daemons=daemons, server=server, channels=channels)
    return outcomes, table(outcomes)


def run(
    seed: str,
    kills: int,
    alerts: int,
    towns: int,
    folder: Path,
    *,
    daemons: int = 2,
    server: bool = False,
    channels: Sequence[str] = tuple(PLATFORM),
) -> list[Outcome]:
    """Several towns at once, so that one's five seconds of waiting for a lease are another's time to work."""
    platforms = [platform_of(channel) for channel in channels]
    shares = [(_share(kills, towns, number), _share(alerts, towns, number)) for number in range(towns)]
    plans = [
        plan(f"{seed}/{number}", *share, server=server, platforms=platforms) for number, share in enumerate(shares)
    ]
    homes = _homes(folder, towns)
    plays = [Play(number, home, daemons=daemons, server=server, channels=channels) for number, home in enumerate(homes)]
    return _all_of([partial(play.run, lives) for play, lives in zip(plays, plans, strict=True)], plays, kills)


def all_kinds(
    seed: str, kills: int, alerts: int, towns: int, folder: Path, *, daemons: int = 2, server: bool = False
) -> list[Everywhere]:
    """The same of towns with a channel and a source of every kind."""
    platforms = [platform_of(channel) for channel in CHANNELS]
    plans = [
        plan(
            f"{seed}/{number}",
            _share(kills, towns, number),
            _share(alerts, towns, number),
            server=server,
            platforms=platforms,
        )
        for number in range(towns)
    ]
    plays = [Kinds(number, home, daemons=daemons, server=server) for number, home in enumerate(_homes(folder, towns))]
    return _all_of([partial(play.live, lives) for play, lives in zip(plays, plans, strict=True)], plays, kills)


def listen(seed: str, kills: int, towns: int, folder: Path, *, daemons: int = 2, server: bool = False) -> list[Talked]:
    """The same of towns that listen."""
    plans = [talk(f"{seed}/{number}", _share(kills, towns, number), number) for number in range(towns)]
    plays = [
        Conversation(number, home, daemons=daemons, server=server) for number, home in enumerate(_homes(folder, towns))
    ]
    return _all_of([partial(play.converse, hours) for play, hours in zip(plays, plans, strict=True)], plays, kills)


def report(
    seed: str, kills: int, towns: int, folder: Path, *, daemons: int = 2, server: bool = False
) -> list[Reported]:
    """The same of towns where people report."""
    plans = [gatherings(f"{seed}/{number}", _share(kills, towns, number)) for number in range(towns)]
    plays = [
        Reporting(number, home, daemons=daemons, server=server) for number, home in enumerate(_homes(folder, towns))
    ]
    return _all_of([partial(play.report, plan) for play, plan in zip(plays, plans, strict=True)], plays, kills)


def subscribe(
    seed: str, kills: int, towns: int, folder: Path, *, daemons: int = 2, server: bool = False
) -> list[Subscribed]:
    """The same of towns whose people subscribed to push and to e-mail."""
    plans = [tellings(f"{seed}/{number}", _share(kills, towns, number)) for number in range(towns)]
    plays = [
        Subscribing(number, home, daemons=daemons, server=server) for number, home in enumerate(_homes(folder, towns))
    ]
    return _all_of([partial(play.tell_all, plan) for play, plan in zip(plays, plans, strict=True)], plays, kills)


def crowd(
    seed: str,
    kills: int,
    recipients: int,
    folder: Path,
    *,
    texted: bool = False,
    daemons: int = 2,
    server: bool = False,
) -> list[Crowded]:
    """One town that tells so many chats and browsers, or telephones, of an alert, its update and its end."""
    [home] = _homes(folder, 1)
    play = Crowding(0, home, recipients=recipients, texted=texted, daemons=daemons, server=server)
    return _all_of([partial(play.tell_crowd, phases(seed, kills))], [play], kills)


def carry_over(
    seed: str, kills: int, recipients: int, folder: Path, *, since: str, server: bool = False
) -> list[Crowded]:
    """The same of an alert that the version `since` began to tell, and whose database is upgraded under kills."""
    [home] = _homes(folder, 1)
    play = Carrying(0, home, since=since, recipients=recipients, server=server)
    return _all_of([partial(play.carry_over, carry(seed, kills))], [play], kills)


def watch(seed: str, kills: int, towns: int, folder: Path, *, daemons: int = 2, server: bool = False) -> list[Watched]:
    """The same of towns with a broker, a Vigilance and a site's feed."""
    plans = [happenings(f"{seed}/{number}", _share(kills, towns, number)) for number in range(towns)]
    plays = [
        Watching(number, home, daemons=daemons, server=server) for number, home in enumerate(_homes(folder, towns))
    ]
    return _all_of([partial(play.watch, plan) for play, plan in zip(plays, plans, strict=True)], plays, kills)


def _homes(folder: Path, towns: int) -> list[Path]:
    homes = [folder / f"town-{number + 1}" for number in range(towns)]
    for home in homes:
        home.mkdir(parents=True)
    return homes


def _all_of(work: Sequence[Callable[[], Came]], plays: Sequence[Play], kills: int) -> list[Came]:
    with ThreadPoolExecutor(len(work)) as threads:
        futures = [threads.submit(each) for each in work]
        while wait(futures, timeout=_SHOWN_EVERY).not_done:
            print(f"{sum(play.done for play in plays)} of {kills} kills", file=sys.stderr, flush=True)
        return [future.result() for future in futures]


def _share(total: int, parts: int, number: int) -> int:
    return total * (number + 1) // parts - total * number // parts


def _read(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m campaign", description="Kill the program, and see what is left.")
    parser.add_argument("--kills", type=int, default=500, metavar="N", help="how many daemons are killed (500)")
    parser.add_argument("--alerts", type=int, default=2000, metavar="N", help="how many messages are told (2000)")
    parser.add_argument("--towns", type=int, default=4, metavar="N", help="how many towns live at the same time (4)")
    stores = ("sqlite", "postgresql")
    parser.add_argument("--store", choices=stores, default="sqlite", help="where each town keeps its database (sqlite)")
    parser.add_argument("--daemons", type=int, default=2, metavar="N", help="how many work for each town (2)")
    known = ",".join(SECTIONS)
    parser.add_argument(
        "--channels",
        default=",".join(PLATFORM),
        metavar="A,B",
        help=f"where it is told ({','.join(PLATFORM)}), of {known}",
    )
    parser.add_argument("--kinds", action="store_true", help="of towns with a channel and a source of every kind")
    parser.add_argument("--forked", action="store_true", help="fork each process from one, with a third of the CPU")
    parser.add_argument("--listening", action="store_true", help="of towns that hear people, and answer them")
    parser.add_argument("--reporting", action="store_true", help="of towns where people report, alone and in crowds")
    parser.add_argument("--subscribers", action="store_true", help="of towns that tell people by push and by e-mail")
    parser.add_argument("--recipients", type=int, metavar="N", help="of one town that tells N chats and N browsers")
    parser.add_argument("--texted", action="store_true", help="with --recipients: N telephones by SMS instead")
    parser.add_argument("--since", metavar="COMMIT", help="with --recipients: that version begins, upgrades are killed")
    parser.add_argument("--watching", action="store_true", help="with a broker, a Vigilance and a site's feed")
    parser.add_argument("--seed", default=secrets.token_hex(4), help="the same seed, the same plan")
    parser.add_argument("--folder", metavar="DIR", help="where the towns are (else a new one, gone if all was well)")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
