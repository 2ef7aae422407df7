"""`update`, `cancel` and `correct`: a word about an alert that is out."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from alerts.cli import options, screen
from alerts.cli.acting import As
from alerts.cli.filing import Manner, file_alert
from alerts.model.incident import AlertState, new_id
from alerts.model.person import Act

if TYPE_CHECKING:
    from alerts.daemon.desk import Counter
    from alerts.desk.service import DeskUnit
    from alerts.model.alert import Alert
    from alerts.model.incident import StoredAlert
    from alerts.model.reason import Reason

_Reason = Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="Why, as readers shall read it.")]
_Right = Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="What was wrong, or what is right.")]


def update(
    context: typer.Context,
    name: options.Name,
    headline: options.Headline = None,
    description: options.Description = None,
    instruction: options.Instruction = None,
    event: options.Event = None,
    category: options.Kind = None,
    severity: options.Graveness = None,
    urgency: options.Haste = None,
    certainty: options.Sureness = None,
    onset: options.Onset = None,
    expires: options.Expires = None,
    area: options.Areas = None,
    web: options.Web = None,
    image: options.Image = None,
    alt: options.Alt = None,
    lang: options.Language = None,
    again: options.Again = False,
    dry_run: options.DryRun = False,
    wait: options.Wait = False,
    wait_for: options.WaitFor = "60s",
    as_json: options.Json = False,
    who: As = None,
) -> int:
    """Update an alert that is out: what isn't given stays as it stands, by whichever of its ids."""
    from alerts.daemon.desk import now
    from alerts.desk.amending import update_of

    changes = {
        "headline": headline,
        "description": description,
        "instruction": instruction,
        "event": event,
        "category": category,
        "severity": severity,
        "urgency": urgency,
        "certainty": certainty,
        "onset": onset,
        "expires": expires,
        "areas": tuple(area or ()),
        "web": web,
        "image": image,
        "alt": alt,
        "language": lang,
    }
    manner = Manner((), again, dry_run, wait, wait_for, as_json, who, Act.UPDATE)
    return _amend(
        context, name, manner, lambda record, counter: update_of(record, changes, counter.desk.station, now(), new_id())
    )


def cancel(
    context: typer.Context,
    name: options.Name,
    reason: _Reason = None,
    over: Annotated[
        bool, typer.Option("--over", help="It is over (all clear), rather than it no longer holds.")
    ] = False,
    dry_run: options.DryRun = False,
    wait: options.Wait = False,
    wait_for: options.WaitFor = "60s",
    as_json: options.Json = False,
    who: As = None,
) -> int:
    """Cancel an alert that is out: it no longer holds, and its readers are told so."""
    from alerts.daemon.desk import now
    from alerts.desk.amending import all_clear_of, cancel_of

    end = all_clear_of if over else cancel_of
    manner = Manner(
        (), again=True, dry_run=dry_run, wait=wait, wait_for=wait_for, as_json=as_json, who=who, act=Act.CANCEL
    )
    return _amend(
        context, name, manner, lambda record, counter: end(record, reason, counter.desk.station, now(), new_id())
    )


def correct(
    context: typer.Context,
    name: options.Name,
    reason: _Right = None,
    dry_run: options.DryRun = False,
    wait: options.Wait = False,
    wait_for: options.WaitFor = "60s",
    as_json: options.Json = False,
    who: As = None,
) -> int:
    """Correct an alert that was wrong: on every channel where it is, ahead of everything else."""
    from alerts.daemon.desk import now
    from alerts.desk.amending import correction_of
    from alerts.desk.thread import left_wrong

    manner = Manner(
        (), again=True, dry_run=dry_run, wait=wait, wait_for=wait_for, as_json=as_json, who=who, act=Act.CORRECT
    )
    seen: list[Reason] = []

    def correction(record: StoredAlert, counter: Counter) -> Alert:
        thread = counter.ask(lambda unit: unit.alerts.thread(record.incident_id))
        seen.extend(left_wrong(thread, counter.desk.station))
        return correction_of(record, reason, counter.desk.station, now(), new_id())

    status = _amend(context, name, manner, correction)
    for each in seen:
        screen.say(screen.why(each))
    return status


def _amend(context: typer.Context, name: str, manner: Manner, follow: Callable[[StoredAlert, Counter], Alert]) -> int:
    from alerts.daemon.desk import Counter
    from alerts.desk.amending import goes_on_from
    from alerts.desk.approve import find_alert

    counter = Counter(context.obj.load())

    def question(unit: DeskUnit) -> tuple[StoredAlert, StoredAlert]:
        named = find_alert(unit.alerts, name)
        return named, goes_on_from(unit.alerts, named, ends=manner.act is not Act.UPDATE)

    named, stands = counter.ask(question)
    alert = follow(stands, counter)
    if stands.id != named.id:
        waits = "goes on from %(stands)s, the newest words of this alert that wait, not from %(named)s"
        let_out = "goes on from %(stands)s, the newest words of this alert that were let out, not from %(named)s"
        sentence = waits if stands.state is AlertState.WAITING else let_out
        screen.say(screen.tell(sentence, stands=stands.id, named=named.id))
    return file_alert(counter, alert, manner)
