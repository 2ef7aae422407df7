"""Every protocol between rooms. A room gets what it needs as arguments; nobody looks anything up."""

from alerts.model.ports.answering import Replies, Reply
from alerts.model.ports.books import Books
from alerts.model.ports.delivering import Begun, Journal, Lease, Leases, Outbox, Standing, Standings, Verdict
from alerts.model.ports.people import Accounts, Drafts, Ledger
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
from alerts.model.ports.showing import Archived, Event, SourceStanding, Views, Wanted
from alerts.model.ports.sourcing import Heard, Known, Memory, Reading, Source, Surroundings
from alerts.model.ports.subscribing import Asked, BotClient, Keyboard, Linked, OfficerChats, Subscribers
from alerts.model.ports.time import Clock, Moment

__all__ = [
    "Accounts",
    "Archived",
    "Asked",
    "Begun",
    "Books",
    "BotClient",
    "Channel",
    "Clock",
    "Deletes",
    "Drafts",
    "DropsRepeats",
    "Edits",
    "Event",
    "Finds",
    "Heard",
    "Journal",
    "Keyboard",
    "Known",
    "Lease",
    "Leases",
    "Ledger",
    "Linked",
    "Lists",
    "Memory",
    "Moment",
    "OfficerChats",
    "Outbox",
    "Pace",
    "Probe",
    "Reading",
    "Rehearses",
    "Replaces",
    "Replies",
    "Reply",
    "Resources",
    "Source",
    "SourceStanding",
    "Standing",
    "Standings",
    "Subscribers",
    "Surroundings",
    "TwoLevels",
    "Verdict",
    "Views",
    "Wanted",
]
