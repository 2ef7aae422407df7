"""What an officer asks and decides: `status`, `approve`, `reject`, `retry`, `drop`, `explain`."""

from __future__ import annotations

import getpass
import os
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alerts.cli import options, screen

if TYPE_CHECKING:
    from alerts.daemon.counter import Counter


def _counter(context: typer.Context) -> Counter:
    from alerts.daemon.counter import Counter

    return Counter(context.obj.load())


def status(
    context: typer.Context,
    name: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="One alert: its id, identifier or incident.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Also what is over and what was left out, with the reason.")
    ] = False,
    cap: Annotated[bool, typer.Option("--cap", help="The alert as a CAP 1.2 message.")] = False,
    as_json: options.Json = False,
) -> int:
    """Show what is out, waiting, failed or in doubt, and where; then each source and each channel."""
    from alerts.daemon.overview import accounts, cap_message, channels, one_account, sources

    counter = _counter(context)
    if name is not None and cap:
        screen.show(cap_message(counter, name))
        return 0
    if name is not None:
        account = one_account(counter, name)
        if as_json:
            screen.show_json(account)
        else:
            screen.show_account(account)
            screen.show_texts(account)
        return 0
    for account in accounts(counter, everything=everything):
        screen.show_json(account) if as_json else screen.show_account(account)
    for source in sources(counter):
        screen.show_json(source) if as_json else screen.show_source(source)
    for channel in channels(counter):
        screen.show_json(channel) if as_json else screen.show_channel(channel)
    if not counter.daemons():
        screen.say("no daemon runs: nothing is taken in or sent (`tocsin run`)")
    return 0


def _myself() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return f"uid {os.getuid()}"


def approve(
    context: typer.Context,
    name: options.Name,
    who: Annotated[str | None, typer.Option("--as", metavar="NAME", help="Who validates.")] = None,
) -> int:
    """Let a waiting alert go out, exactly as it was shown."""
    from alerts.daemon.counter import now
    from alerts.desk import approval

    counter = _counter(context)
    (record, posts), _ = counter.act(lambda books, _: approval.approve(books, name, who or _myself(), now()))
    screen.say(f"{record.id} goes out on {', '.join(post.channel for post in posts)}")
    return 0


def reject(
    context: typer.Context,
    name: options.Name,
    who: Annotated[str | None, typer.Option("--as", metavar="NAME", help="Who rejects.")] = None,
    reason: Annotated[str | None, typer.Option(help="Why.")] = None,
) -> int:
    """Keep a waiting alert from going out."""
    from alerts.daemon.counter import now
    from alerts.desk import approval

    counter = _counter(context)
    who = who or _myself()
    (record, _), _ = counter.act(lambda books, _: approval.reject(books, name, who, reason, now()))
    screen.say(f"{record.id} doesn't go out")
    return 0


def retry(context: typer.Context, name: options.Name) -> int:
    """Send again what failed or is in doubt."""
    from alerts.daemon.counter import now
    from alerts.desk import approval

    posts, _ = _counter(context).act(lambda books, _: approval.retry(books, name, now()))
    screen.say(f"queued again: {', '.join(post.channel for post in posts)}")
    return 0


def drop(context: typer.Context, name: options.Name) -> int:
    """Give up what failed or is in doubt."""
    from alerts.daemon.counter import now
    from alerts.desk import approval

    posts, _ = _counter(context).act(lambda books, _: approval.drop(books, name, now()))
    screen.say(f"dropped: {', '.join(post.channel for post in posts)}")
    return 0


def explain(context: typer.Context, name: options.Name, as_json: options.Json = False) -> int:
    """Say why it did or didn't go out: every decision with its reason, every attempt, in order."""
    from alerts.daemon.overview import history

    for event in history(_counter(context), name):
        screen.show_json(event) if as_json else screen.show(_line(event))
    return 0


def _line(event: dict[str, Any]) -> str:
    words = [
        event["at"][:23].replace("T", " "),
        event["alert"],
        event["channel"] or "-",
        event["what"],
        screen.plain(event["reason"]),
    ]
    return "  ".join(words).rstrip()
