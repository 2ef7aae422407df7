"""Every protocol between rooms. A room gets what it needs as arguments; nobody looks anything up."""

from alerts.model.ports.answering import Reply
from alerts.model.ports.delivering import Begun, ChannelStatus, Lease, Verdict
from alerts.model.ports.sending import (
    Channel,
    Deletes,
    DropsRepeats,
    Edits,
    Finds,
    Lists,
    Pace,
    Probe,
    Rehearses,
    Replaces,
    Resources,
    TwoLevels,
)
from alerts.model.ports.showing import Archived, Event, SourceStatus, Wanted
from alerts.model.ports.sourcing import Heard, Known, Memory, Reading, Source, Surroundings
from alerts.model.ports.subscribing import Asked, BotClient, Keyboard, Linked
from alerts.model.ports.time import Clock, Moment

__all__ = [
    "Archived",
    "Asked",
    "Begun",
    "BotClient",
    "Channel",
    "ChannelStatus",
    "Clock",
    "Deletes",
    "DropsRepeats",
    "Edits",
    "Event",
    "Finds",
    "Heard",
    "Keyboard",
    "Known",
    "Lease",
    "Linked",
    "Lists",
    "Memory",
    "Moment",
    "Pace",
    "Probe",
    "Reading",
    "Rehearses",
    "Replaces",
    "Reply",
    "Resources",
    "Source",
    "SourceStatus",
    "Surroundings",
    "TwoLevels",
    "Verdict",
    "Wanted",
]
