"""Citizens' reports on the map: the kinds that a town accepts, the stored report, and its bounds.

A report is a matter at a place, sent by somebody without an account. It never becomes an alert by itself: several of
one kind, near one another and at one time, are a *cluster*, which becomes a draft that waits for an officer.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Literal

from alerts.model.hazard import Hazard
from alerts.model.reason import Reason

REPORTS = "reports"
"""The name of the source whose alerts are drafts that clusters of reports made."""
LONGEST_TEXT = 500
"""Characters that somebody may add to a report."""
LONGEST_PLACE = 200


@dataclass(frozen=True, slots=True)
class ClusterRule:
    """How many reports of a kind make a draft: `count` of different sources, within `radius` metres and `span`."""

    count: int = 5
    radius: float = 500.0
    span: timedelta = timedelta(minutes=60)


@dataclass(frozen=True, slots=True)
class ReportKind:
    """A kind of report: its `code`, its names by language, and how it is handled.

    `public`: its pins may be shown to everybody. `hazard` is that of a cluster's draft; without one, or without
    `cluster`, no draft is made. `stop` is shown in place of the form, which ends there: for matters that need a
    telephone call, such as a smell of gas. `descriptions` name the matter in a draft ("Fallen or dangerous tree"), and
    `instruction` is its advice, each by language: a draft has none of the hazard's own instructions, since the matter
    is unconfirmed.
    """

    code: str
    names: Mapping[str, str]
    pictogram: str = "other"
    public: bool = True
    hazard: Hazard | None = None
    cluster: ClusterRule | None = None
    stop: str | None = None
    descriptions: Mapping[str, str] = field(default_factory=dict)
    instruction: Mapping[str, str] = field(default_factory=dict)

    def name(self, language: str) -> str:
        """Its name in that language, else in the first language that it has; its code if it has no name."""
        return _in(self.names, language) or self.code

    def description(self, language: str) -> str:
        """Return the description in a cluster's draft: the kind's name if it has none of its own."""
        return _in(self.descriptions, language) or self.name(language)

    def what_to_do(self, language: str) -> str | None:
        """Return the instruction in a cluster's draft. Returns None if the kind has none."""
        return _in(self.instruction, language) or None


def _in(texts: Mapping[str, str], language: str) -> str:
    return texts.get(language[:2].lower()) or next(iter(texts.values()), "")


# Words in place of the form: these matters need a telephone call at once.
_GAS = {
    "fr": "Odeur de gaz : éloignez-vous, ne touchez à aucun interrupteur et appelez le 18 ou le 112.",
    "en": "Smell of gas: go away from it, touch no switch, and call 18 or 112.",
}
_WIRES = {
    "fr": "Câble électrique à terre : ne vous approchez pas et appelez le 18 ou le 112.",
    "en": "Electric wire on the ground: keep away from it, and call 18 or 112.",
}


def shipped_kinds(language: str) -> tuple[ReportKind, ...]:
    """The kinds of a town that configures none, the usual ones in France, with `stop` in the town's language."""
    rule, short = ClusterRule(), "fr" if language[:2].lower() == "fr" else "en"
    return (
        ReportKind(
            *("road", {"fr": "Route, trottoir", "en": "Road, pavement"}, "road", True, Hazard.ROAD, rule),
            descriptions={"fr": "Chaussée dangereuse", "en": "Dangerous road surface"},
            instruction={"fr": "Évitez ce secteur.", "en": "Avoid this area."},
        ),
        ReportKind("lighting", {"fr": "Éclairage public", "en": "Street lighting"}, "lighting"),
        ReportKind("waste", {"fr": "Déchets, dépôt sauvage", "en": "Waste, dumping"}, "waste"),
        ReportKind(
            *("tree", {"fr": "Arbre, branche", "en": "Tree, branch"}, "tree", True, Hazard.WIND, rule),
            descriptions={"fr": "Arbre tombé ou dangereux", "en": "Fallen or dangerous tree"},
            instruction={
                "fr": "N’approchez pas. En danger\u00a0? Appelez le 112.",
                "en": "Keep away. In danger? Call 112.",
            },
        ),
        ReportKind(
            *("water", {"fr": "Coupure, fuite d’eau", "en": "Water cut, leak"}, "tap", True, Hazard.WATER_CUT, rule),
            descriptions={"fr": "Coupure ou fuite d’eau", "en": "Water off or leaking"},
        ),
        ReportKind(
            *("flooding", {"fr": "Inondation", "en": "Flooding"}, "water", True, Hazard.RAIN_FLOOD, rule),
            descriptions={"fr": "Rue inondée", "en": "Flooded street"},
            instruction={
                "fr": "N’entrez jamais dans l’eau, à pied ou en voiture. En danger\u00a0? Appelez le 112.",
                "en": "Never walk or drive into the water. In danger? Call 112.",
            },
        ),
        ReportKind("gas", {"fr": "Odeur de gaz", "en": "Smell of gas"}, "gas", public=False, stop=_GAS[short]),
        ReportKind("wires", {"fr": "Câble à terre", "en": "Wire on the ground"}, "wires", False, stop=_WIRES[short]),
        ReportKind("noise", {"fr": "Bruit", "en": "Noise"}, "noise", public=False),
        ReportKind("other", {"fr": "Autre", "en": "Other"}, "other"),
    )  # fmt: skip


@dataclass(frozen=True)
class ReportForward:
    """`[reports.forward.…]`: a server that reports of some kinds are handed on to (Open311 GeoReport v2).

    `url` is the server's `…/v2`, `kinds` maps our codes to its service codes.
    """

    name: str
    url: str
    kinds: Mapping[str, str]
    jurisdiction: str | None = None
    settings: Any = field(default=None, compare=False)


@dataclass(frozen=True)
class ReportsSection:
    """`[reports]`: the kinds that people may report, in the order of the form, and the servers that receive them.

    More than `flood` reports in ten minutes are a flood: then only clusters have pins, and sending costs more. `prefix`
    begins each report's number (`SM-26-0417`). A report with one of `words`, or of the words of every town, is held.
    `answers` is the validation mode for an officer's own words.
    """

    kinds: tuple[ReportKind, ...] = ()
    flood: int = 60
    prefix: str | None = None
    words: tuple[str, ...] = ()
    forward: Mapping[str, ReportForward] = field(default_factory=dict)
    answers: Literal["auto", "approve"] = "auto"

    def kind(self, code: str) -> ReportKind | None:
        """The kind of that code."""
        return next((kind for kind in self.kinds if kind.code == code), None)


class ReportState(StrEnum):
    """The state of a report.

    `held`: a check found something, and an officer reviews it; `set aside`: it doesn't count.
    """

    RECEIVED = "received"
    HELD = "held"
    ACCEPTED = "accepted"
    ASSIGNED = "assigned"
    CLOSED = "closed"
    SET_ASIDE = "set aside"


COUNTING = (ReportState.RECEIVED, ReportState.HELD, ReportState.ACCEPTED, ReportState.ASSIGNED)
"""The states in which a report counts in a cluster, and is still open."""


UNPROVEN = frozenset(
    {
        "report_form_unknown", "report_form_hasty", "report_form_old", "report_form_trap",
        "proof_missing", "proof_wrong", "proof_late", "proof_spent",
    }
)  # fmt: skip
"""The reasons to hold a report without our form or its proof of work: such a report cost its sender nothing."""


class Closing(StrEnum):
    """Why a report was closed."""

    DONE = "done"
    NOT_OURS = "not ours"
    DUPLICATE = "duplicate"
    NOT_FOUND = "not found"
    ERASED = "erased"


class Via(StrEnum):
    """By what way a report came."""

    PAGE = "page"
    BOT = "bot"
    OPEN311 = "open311"
    API = "api"
    OFFICER = "officer"


@dataclass(frozen=True, slots=True)
class CitizenReport:
    """A stored report. `text`, `place`, the exact `lat` and `lon`, `chat` are None once they are forgotten.

    `number` is public (`SM-26-0417`), `token` is a digest of the private link's proof. `key` is a digest of the form's
    key, which identifies a report sent again. `source` is the reporter, as a digest under the day's secret, and
    `source_before` the same under the secret of the day before, so that nobody counts twice after midnight; both are
    deleted after 24 hours. `at` is when it happened, `received_at` when it arrived. `incident` is the current incident
    that it is about, `draft` the alert that cites it. `withheld` is an officer's reason for withdrawing its words and
    photo from the public. `agreed`: two networks reported the same, so its pin may be shown unreviewed. `rounded`: its
    place is no longer exact. `tellers` counts the reporter and all who said "me too": a number, without their
    identities.
    """

    id: str
    number: str
    kind: str
    state: ReportState
    at: datetime
    received_at: datetime
    changed_at: datetime
    token: str
    via: Via
    lat: float | None = None
    lon: float | None = None
    place: str | None = None
    district: str | None = None
    text: str | None = None
    language: str | None = None
    key: str | None = None
    source: str | None = None
    source_before: str | None = None
    channel: str | None = None
    chat: int | None = None
    held: Reason | None = None
    accepted_at: datetime | None = None
    closed_at: datetime | None = None
    closing: Closing | None = None
    answer: str | None = None
    assigned_to: str | None = None
    duplicate_of: str | None = None
    incident: str | None = None
    draft: str | None = None
    agreed: bool = False
    withheld: str | None = None
    has_photo: bool = False
    rounded: bool = False
    by: str | None = None
    utterance: str | None = None
    likeness: str | None = None
    tellers: int = 1
    seq: int = 0

    @property
    def is_unproven(self) -> bool:
        """True if it cost its sender nothing, and no officer has reviewed it."""
        return self.state is ReportState.HELD and self.held is not None and self.held.code in UNPROVEN

    @property
    def is_open(self) -> bool:
        """True if the town still has work to do on it."""
        return self.state in COUNTING


@dataclass(frozen=True, slots=True)
class WantedReports:
    """The filter of a search for reports; a field that is None or empty matches all.

    `words` are searched in the text, the place and the number. `since` bounds the time of arrival.
    """

    states: tuple[ReportState, ...] = ()
    kind: str | None = None
    district: str | None = None
    words: str | None = None
    since: datetime | None = None
    incident: str | None = None
    draft: str | None = None


@dataclass(frozen=True, slots=True)
class ReportSource:
    """A person who sent or confirmed a report ("me too"), as digests like those of `CitizenReport`.

    The kind and place of that report are included, so that neighbouring ones can be found.
    """

    report: str
    source: str
    source_before: str | None
    at: datetime
    kind: str | None = None
    lat: float | None = None
    lon: float | None = None


@dataclass(frozen=True, slots=True)
class EarlierTelling:
    """An earlier report of one source; words and the photo's fingerprint only if it sent the report itself."""

    number: str
    at: datetime
    text: str | None = None
    likeness: str | None = None


@dataclass(frozen=True, slots=True)
class Telling:
    """One counted mention of a report: its place, time and source, and the alert that cites that report.

    `by` is the officer, or the owner of the program, who submitted that report. `proven`: it had a cost for its source,
    or an officer reviewed it; any other one counts half in a cluster.
    """

    report: str
    lat: float
    lon: float
    at: datetime
    source: str
    source_before: str | None = None
    draft: str | None = None
    incident: str | None = None
    by: str | None = None
    proven: bool = True


@dataclass(frozen=True, slots=True)
class ReportStep:
    """A step of a report, as its reporter may read it. `told_at`: when their chat was notified; None: not yet.

    `said` are an officer's own words. `incident` is the incident that the report is about from then on.
    """

    report: str
    at: datetime
    state: ReportState
    closing: Closing | None = None
    said: str | None = None
    incident: str | None = None
    by: str | None = None
    told_at: datetime | None = None
    seq: int = 0


@dataclass(frozen=True, slots=True)
class ReportPhoto:
    """The re-encoded photo of a report (JPEG, no metadata). `likeness` is its perceptual hash of 64 bit, as hex."""

    report: str
    jpeg: bytes
    likeness: str
    at: datetime
    released_at: datetime | None = None
    released_by: str | None = None


@dataclass(frozen=True, slots=True)
class ContentNotice:
    """An objection to a public report (DSA, article 16): `state` is `open`, `upheld` or `dismissed`."""

    id: str
    report: str
    why: str
    at: datetime
    state: str = "open"
    name: str | None = None
    email: str | None = None
    answer: str | None = None
    by: str | None = None


@dataclass(frozen=True, slots=True)
class BegunReport:
    """A report that somebody is making in a private chat with the bot, kept until it is sent.

    `key` identifies the submission, so that one that is sent twice is stored once. `at` is the chat's last action on
    it. `lat`, `lon` and `place` are its place, once given; `text` has the words sent with it.
    """

    channel: str
    chat: int = field(repr=False)
    key: str
    kind: str
    at: datetime
    lat: float | None = field(default=None, repr=False)
    lon: float | None = field(default=None, repr=False)
    place: str | None = field(default=None, repr=False)
    text: str = field(default="", repr=False)


class ForwardState(StrEnum):
    """How far a report is on its way to another server. `in doubt`: its answer never came, so it may be there."""

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    IN_DOUBT = "in doubt"


@dataclass(frozen=True, slots=True)
class Forwarding:
    """A report on its way to another server.

    `at` is when a send last began, `next_try` when the next step is due. `remote_id` is the server's id, `token` what
    it gave instead. `remote_state` (`open`, `closed`) and `said` are its latest state and words there.
    """

    report: str
    forward: str
    state: ForwardState
    tries: int = 0
    next_try: datetime | None = None
    remote_id: str | None = None
    reason: Reason | None = None
    at: datetime | None = None
    token: str | None = None
    remote_state: str | None = None
    said: str | None = None


@dataclass(frozen=True, slots=True)
class Handover:
    """A report as it is sent to another server: the service's code there, the place, and words with our number."""

    number: str
    service: str
    lat: float
    lon: float
    words: str
    address: str | None = None


@dataclass(frozen=True, slots=True)
class HandedOver:
    """A server's answer to a report: its id there, or a token to ask for the id with; it may give neither."""

    remote_id: str | None = None
    token: str | None = None


@dataclass(frozen=True, slots=True)
class RemoteRequest:
    """A report as another server shows it. `is_closed`: that server is done with it; `said` is its answer."""

    remote_id: str
    is_closed: bool
    said: str | None = None
    words: str = ""
    lat: float | None = None
    lon: float | None = None
