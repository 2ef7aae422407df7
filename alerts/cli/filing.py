"""The common steps of every command that files an alert: it rehearses or stores it, prints the result, and waits.

`file_alert` does all of them. With `--dry-run` it shows each channel's text and stores nothing. Else it stores the
alert in one transaction, notifies the daemon, and prints which process will send it. With `--wait` it shows each
delivery as it happens, until all have ended or are in doubt.

A daemon that was handed the line may have stored the alert and died before it answered. So the line has a key, which is
stored with the alert: the next process that carries the line out finds the alert under it and doesn't store it twice.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from alerts.cli import screen
from alerts.cli.options import officer
from alerts.cli.screen import tell
from alerts.cli.streams import ORDER
from alerts.model.errors import Misuse, TocsinError
from alerts.model.incident import AlertState
from alerts.model.person import Act
from alerts.model.post import PostState
from alerts.model.reason import because, reason_of
from alerts.model.town import parse_span

if TYPE_CHECKING:
    from alerts.daemon.desk import Control
    from alerts.desk.actions import Filed
    from alerts.desk.out import AlertOut
    from alerts.desk.unit import DeskUnit
    from alerts.model.alert import Alert

# Replies are kept under the hash of a program's token and its key; commands have no token, and this is no hash.
_COMMAND = "command line"
_NEW, _KNOWN = 201, 200
# Seconds. In a daemon it is ten times a second, since that shares the interpreter with its lanes (docs/adr/0014).
_LOOKED_EVERY = 0.03
_SETTLED = ("sent", "failed", "expired", "superseded", "rejected", "dropped", "in_doubt")


@dataclass(frozen=True, slots=True)
class Manner:
    """How the officer wants it filed."""

    channels: tuple[str, ...] = ()
    again: bool = False
    dry_run: bool = False
    wait: bool = False
    wait_for: str = "60s"
    as_json: bool = False
    who: str | None = None
    act: Act = Act.POST

    @property
    def patience(self) -> timedelta:
        """How long `--wait` waits. Raises Misuse."""
        try:
            return parse_span(self.wait_for)
        except ValueError as error:
            raise Misuse(because("wait_span", why=reason_of(error))) from None


def file_alert(control: Control, alert: Alert, manner: Manner) -> int:
    """Rehearse the alert, or store it and show what comes of it; returns the exit status."""
    patience = manner.patience
    if manner.dry_run:

        def rehearse(unit: DeskUnit) -> Filed:
            if manner.act is Act.CORRECT:  # whose words they are says whether they go with it
                return officer(unit, manner.who, manner.act).file(manner.act, alert, manner.channels, again=True)
            return unit.desk.post(unit.alerts, alert, manner.channels, again=True)

        filed = control.rehearse(rehearse)
        show_filed(control, filed, as_json=manner.as_json)
        _say_what_goes(filed)
        _say_what_follows(filed)
        return 0
    # Both take their time, so they come before the transaction, in which every lane would wait for them.
    alert = control.keep_pictures(alert)
    control.warm(alert)
    try:
        filed, daemons = control.act(lambda unit: _once(unit, alert, manner))
    except TocsinError:
        # Only where a daemon had the line before us: it may have stored what we can't.
        if _key() and screen.CALLER.get() is None:
            screen.say(tell("a daemon may have stored it before it broke off: `tocsin status` tells"))
        raise
    # Told before anything else: from here on the daemon's death costs the command its answer, and no alert.
    screen.say_stored(filed.stored.id)
    _say_what_goes(filed)
    _say_who_sends(filed, daemons)
    _say_what_follows(filed)
    try:
        return _see_out(control, filed, manner, patience)
    except OSError as error:
        # A full disk or a closed pipe must not look as if nothing were stored.
        return say_unwritten(filed.stored.id, error)


def show_filed(control: Control, filed: Filed, *, as_json: bool) -> None:
    """Show what was only rehearsed: each channel's text with its count."""
    from alerts.desk.out import Rehearsal

    rehearsal = Rehearsal.of(control.desk.station, filed.stored, filed.drafts)
    screen.show_json(rehearsal) if as_json else screen.show_rehearsal(rehearsal)


def say_unwritten(stored: str, error: OSError) -> int:
    """Say of an alert that it is stored, and only the answer couldn't be shown; the exit status."""
    unwritten = "%(alert)s is stored; only the answer can't be written: %(said)s"
    screen.say(tell(unwritten, alert=stored, said=tell(error.strerror or str(error))))
    return 1


def _key() -> str:
    """The key under which a daemon stores it, or may have; empty where none was asked."""
    order = ORDER.get()
    return order.key if order is not None else ""


def _once(unit: DeskUnit, alert: Alert, manner: Manner) -> Filed:
    """File it, or return the earlier result, if it was filed under the same key."""
    from alerts.desk.actions import Filed
    from alerts.model.person import REPLIES_KEPT, KeptReply

    key = _key()
    if key and (known := unit.replies.reply(_COMMAND, key)):
        return Filed(unit.alerts.by_id(known.body)[0], fresh=known.status == _NEW)
    filed = officer(unit, manner.who, manner.act).file(manner.act, alert, manner.channels, again=manner.again)
    if key:
        unit.replies.sweep(unit.now - REPLIES_KEPT)
        status = _NEW if filed.fresh else _KNOWN
        unit.replies.keep(KeptReply(_COMMAND, key, "", status, filed.stored.id, unit.now))
        # Last, and still in the transaction: a command that hung up does it by itself, so this is undone.
        screen.must_be_there()
    return filed


def _see_out(control: Control, filed: Filed, manner: Manner, patience: timedelta) -> int:
    if manner.wait:
        return _wait_until_ended(control, filed.stored.id, patience, as_json=manner.as_json)
    from alerts.desk.out import AlertOut

    shown = control.ask(lambda unit: AlertOut.of(unit, filed.stored))
    screen.show_json(shown) if manner.as_json else screen.show_alert(shown)
    return 0


def _wait_until_ended(control: Control, identity: str, patience: timedelta, *, as_json: bool) -> int:
    """Follow the alert's posts; 0 only if all were sent, 1 otherwise, when the time is up or somebody must validate."""
    # Not by the time of day, which may be set while we wait.
    deadline = time.monotonic() + patience.total_seconds()
    shown_states: dict[str, str] = {}
    while True:
        shown, is_waiting = _now(control, identity)
        _tell_changes(shown, shown_states)
        settled = all(post.state in _SETTLED for post in shown.posts)
        if settled or is_waiting or time.monotonic() > deadline:
            break
        screen.rest(_LOOKED_EVERY)
    screen.show_json(shown) if as_json else screen.show_alert(shown)
    if is_waiting:
        waits = "it waits for a validation by somebody else: `tocsin approve %(alert)s`, or the desk"
        screen.say(tell(waits, alert=identity))
    elif not settled:
        late = "not all posts have ended within %(span)s s; `tocsin status %(alert)s` shows the others"
        screen.say(tell(late, span=f"{patience.total_seconds():g}", alert=identity))
    return 0 if shown.posts and all(post.state == PostState.SENT for post in shown.posts) else 1


def _say_who_sends(filed: Filed, daemons: int) -> None:
    if not filed.fresh:
        again = "the same words went out just now as %(alert)s, so nothing was posted; --again posts them once more"
        screen.say(tell(again, alert=filed.stored.id))
    elif not daemons:
        waits = "%(alert)s waits for a validation; it goes out after that and when the daemon runs (`tocsin run`)"
        stored = "%(alert)s is stored; it goes out when the daemon runs (`tocsin run`)"
        screen.say(tell(waits if filed.stored.state is AlertState.WAITING else stored, alert=filed.stored.id))


def _say_what_goes(filed: Filed) -> None:
    """Print the waiting alerts that are withdrawn: the officer has to know that their words may be in no post now."""
    for alert_id in dict.fromkeys(post.alert_id for post in filed.withdrawn if post.state is PostState.WAITING):
        taken_back = "%(alert)s, which waited, is withdrawn: it doesn't go out (`tocsin status %(alert)s`)"
        screen.say(tell(taken_back, alert=alert_id))


def _say_what_follows(filed: Filed) -> None:
    if filed.words is not None:
        without = "it goes out without your words: they wait for a validation, and then follow as an update (%(alert)s)"
        screen.say(tell(without, alert=filed.words.id))


def _tell_changes(shown: AlertOut, shown_states: dict[str, str]) -> None:
    for post in shown.posts:
        if shown_states.get(post.id) != post.state and post.state != PostState.SENDING:
            where = post.url or post.reason or ""
            screen.say(f"{post.channel:<14} {screen.term(post.state):<10} {where}".rstrip())
            shown_states[post.id] = post.state


def _now(control: Control, identity: str) -> tuple[AlertOut, bool]:
    """The alert with its posts, and whether nothing more happens to them before somebody validates it."""
    from alerts.desk.approve import find_alert
    from alerts.desk.out import AlertOut

    def question(unit: DeskUnit) -> tuple[AlertOut, bool]:
        alert = find_alert(unit.alerts, identity)
        posts = unit.alerts.posts_of(alert.id)
        is_waiting = any(post.state is PostState.WAITING and post.not_before is None for post in posts)
        return AlertOut.of(unit, alert, posts), is_waiting

    return control.ask(question)
