"""How a test acts for an officer."""

from __future__ import annotations

from alerts.desk.officer import Officer


def by(actor, act, *values, **named):
    """An action for the desk: an act's class with what it takes, or a function that takes the officer first."""

    def action(unit):
        officer = Officer(unit, actor)
        return act(*values, **named).done_by(officer) if isinstance(act, type) else act(officer, *values, **named)

    return action
