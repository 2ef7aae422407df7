"""The key that a town signs its push messages with: `tocsin push`."""

from __future__ import annotations

import sys

import typer

push = typer.Typer(help="Alerts to browsers: the town's key.", no_args_is_help=True)


@push.callback()
def of_push() -> None:
    """Keep `keys` a command of its own, beside those to come."""


@push.command("keys")
def keys() -> int:
    """Print a new private key as PEM, and nothing else. A changed key loses every subscription."""
    from alerts.channels.push.encryption import new_key

    sys.stdout.write(new_key())
    return 0
