"""Who there is to post and to validate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from alerts.desk.sitting import Sitting
from alerts.model.actor import Role


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an account that is open."""

    name: str
    role: Role


def people_of(sitting: Sitting) -> list[Person]:
    """Everybody whose account isn't shut."""
    accounts = sitting.accounts.accounts()
    return [Person(account.name, account.role) for account in accounts if account.disabled_at is None]


def four_eyes(people: Sequence[Person]) -> bool:
    """Whether what one writes can be validated by another."""
    authors = [person for person in people if person.role.at_least(Role.AUTHOR)]
    approvers = [person for person in people if person.role.at_least(Role.APPROVER)]
    return bool(approvers) and len(authors) > 1
