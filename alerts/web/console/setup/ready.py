"""Whether a station is ready: what it still needs before the first emergency, and who there is to post and to validate.

The last step shows each need with a mark, and leads to where it is met.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from alerts.desk.service import DeskUnit, Workshop
from alerts.model.person import Role
from alerts.model.reason import Reason
from alerts.web.console.setup.lines import names_in, table_of
from alerts.web.pages import Words


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an account that is open."""

    name: str
    role: Role


def people_of(unit: DeskUnit) -> list[Person]:
    """Everybody whose account isn't shut."""
    accounts = unit.accounts.accounts()
    return [Person(account.name, account.role) for account in accounts if account.disabled_at is None]


def four_eyes(people: Sequence[Person]) -> bool:
    """Whether what one writes can be validated by another."""
    authors = [person for person in people if person.role.at_least(Role.AUTHOR)]
    approvers = [person for person in people if person.role.at_least(Role.APPROVER)]
    return bool(approvers) and len(authors) > 1


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


def with_exercises(lines: str) -> list[str]:
    """The channels that take exercises, and nothing else."""
    return [name for name in names_in(lines, "channels") if table_of(lines, f"channels.{name}").get("exercise") is True]


async def needs(lines: str, workshop: Workshop, people: Sequence[Person], words: Words) -> list[Need]:
    """What a station with these lines needs, in the order of the steps."""
    _, problems = words.gettext, await workshop.problems(lines)
    tables = [table_of(lines, f"channels.{name}") for name in names_in(lines, "channels")]
    public = [each for each in tables if each.get("exercise") is not True and each.get("public") is not False]
    told = table_of(lines, "notify").get("channels")
    unreadable = () if problems else await workshop.unreadable(lines)
    administers = any(person.role is Role.ADMINISTRATOR for person in people)
    pairs = four_eyes(people) or table_of(lines, "desk").get("alone") is True
    return [
        Need(not problems, _("The lines are right: Tocsin would start with them."), "lines", problems),
        Need(bool(public), _("A channel speaks to the public."), "channels"),
        Need(not problems and not unreadable, _("Every secret can be read here."), "channels", unreadable),
        Need(bool(told), _("Those on call are told when something is wrong."), "duty"),
        Need(bool(with_exercises(lines)), _("There is a channel for exercises."), "duty"),
        Need(bool(names_in(lines, "sources")), _("A source brings alerts."), "sources", is_needed=False),
        Need(workshop.lines().strip() == lines.strip(), _("The lines are saved as channels.toml."), "lines"),
        Need(administers, _("An administrator can sign in."), "accounts"),
        Need(pairs, _("What one writes, another can validate."), "accounts", is_needed=False),
    ]
