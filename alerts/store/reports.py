"""What citizens report: reports, who told of them, what became of them; with `report_rows` and `report_forgetting`.

A form that is sent twice is known by its `key`, a number is given once (`next_number`), and every change of a report is
one row of `report_step`, by which who reported is told of it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Text, and_, bindparam, case, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert

from alerts.model.reason import read_reason
from alerts.model.reports import (
    COUNTING,
    UNPROVEN,
    CitizenReport,
    EarlierTelling,
    ReportSource,
    ReportState,
    ReportStep,
    Telling,
)
from alerts.store.report_forgetting import ReportForgetting
from alerts.store.report_rows import ReportParts, plain, report_from, step_from, values_of
from alerts.store.schema import CITED, OPEN_REPORTS, SOURCED, UNTOLD, report, report_number, report_source, report_step
from alerts.store.statement import Statement, any_of, insert_into, moment, one_of, stamp

_HELD_PHOTOS = Statement(
    select(func.count().label("n")).select_from(
        select(report.c.seq)
        .where(text(f"report.{OPEN_REPORTS}"), report.c.state == ReportState.HELD.value, report.c.has_photo)
        .limit(bindparam("most"))
        .subquery()
    )
)
BEYOND = 2**62
_ADD = insert_into(report)
_SET = Statement(
    update(report)
    .where(report.c.id == bindparam("key_of"))
    .values({c.name: bindparam(c.name) for c in report.columns if c.name not in ("seq", "id", "number")})
)
_BY = {
    column.name: Statement(select(report).where(column == bindparam("value")))
    for column in (report.c.id, report.c.number, report.c.key)
}
_LISTED = Statement(
    select(report)
    .where(or_(bindparam("states", type_=Text).is_(None), one_of(report.c.state, "states")))
    .where(or_(bindparam("kind", type_=Text).is_(None), report.c.kind == bindparam("kind")))
    .where(or_(bindparam("since", type_=BigInteger).is_(None), report.c.received_at >= bindparam("since")))
    .where(report.c.seq < bindparam("before"))
    .order_by(report.c.seq.desc())
    .limit(bindparam("most"))
)
_OPEN = Statement(
    select(report)
    .where(text(f"report.{OPEN_REPORTS}"), report.c.seq < bindparam("before"))
    .order_by(report.c.seq.desc())
    .limit(bindparam("most"))
)
_OF_KIND = Statement(
    select(report)
    .where(report.c.kind == bindparam("kind"), report.c.at >= bindparam("since"), report.c.at <= bindparam("until"))
    .where(text(f"report.{OPEN_REPORTS}"))
    .where(report.c.lat >= bindparam("south"), report.c.lat <= bindparam("north"))
    .where(report.c.lon >= bindparam("west"), report.c.lon <= bindparam("east"))
    .order_by(report.c.at.desc(), report.c.seq.desc())
    .limit(bindparam("most"))
)
_CITED = Statement(select(report).where(report.c.draft == bindparam("draft")).order_by(report.c.seq))
_BROUGHT = Statement(
    select(report.c.draft, report.c.by)
    .where(one_of(report.c.draft, "drafts"), report.c.by.is_not(None))
    .group_by(report.c.draft, report.c.by)
    .order_by(report.c.draft, report.c.by)
)
_OF_CHAT = Statement(
    select(report)
    .where(report.c.channel == bindparam("channel"), report.c.chat == bindparam("chat"))
    .order_by(report.c.seq.desc())
    .limit(bindparam("most"))
)
_DUPLICATES = Statement(
    select(report).where(report.c.duplicate_of == bindparam("of")).order_by(report.c.seq).limit(bindparam("most"))
)
_MOVE_DUPLICATES = Statement(
    update(report).where(report.c.duplicate_of == bindparam("of")).values(duplicate_of=bindparam("to"))
)
_NEXT = Statement(
    insert(report_number)
    .values(year=bindparam("year"), last=1)
    .on_conflict_do_update(index_elements=["year"], set_={"last": report_number.c.last + 1})
    .returning(report_number.c.last)
)
_TELL = Statement(
    insert(report_source)
    .values({c.name: bindparam(c.name) for c in report_source.columns})
    .on_conflict_do_nothing(index_elements=["report", "source"])
)
_TOLD_BY_MORE = Statement(
    update(report)
    .where(report.c.id == bindparam("key"))
    .values(tellers=func.coalesce(report.c.tellers, 1) + bindparam("more"))
)
_TELLERS = Statement(
    select(report_source).where(one_of(report_source.c.report, "reports")).order_by(report_source.c.at)
)
_TELLINGS = Statement(
    select(
        report_source,
        report.c.draft,
        report.c.incident,
        report.c.by,
        report.c.held,
        report.c.state,
        report.c.source.label("sent_by"),
    )
    .join(report, report.c.id == report_source.c.report)
    .where(report_source.c.kind == bindparam("kind"))
    .where(report_source.c.at >= bindparam("since"), report_source.c.at <= bindparam("until"))
    .where(report_source.c.lat >= bindparam("south"), report_source.c.lat <= bindparam("north"))
    .where(report_source.c.lon >= bindparam("west"), report_source.c.lon <= bindparam("east"))
    .where(any_of(report.c.state, [state.value for state in COUNTING]))
    .where(or_(bindparam("uncited") == 0, and_(report.c.draft.is_(None), report.c.incident.is_(None))))
    .order_by(report_source.c.at.desc())
    .limit(bindparam("most"))
)
_SENT_BY_THEM = report.c.source == report_source.c.source
_TOLD_BEFORE = Statement(
    select(
        report.c.number,
        # When it was sent: when it was, a program may tell as it likes.
        case((_SENT_BY_THEM, report.c.received_at), else_=report_source.c.at).label("at"),
        case((_SENT_BY_THEM, report.c.text)).label("text"),
        case((_SENT_BY_THEM, report.c.likeness)).label("likeness"),
    )
    .join(report, report.c.id == report_source.c.report)
    .where(one_of(report_source.c.source, "sources"), report_source.c.at >= bindparam("since"))
    .order_by(report_source.c.at.desc())
    .limit(bindparam("most"))
)
_RECEIVED_SINCE = Statement(
    select(func.count().label("n")).select_from(
        select(report.c.seq)
        .where(text(f"report.{SOURCED}"), report.c.received_at > bindparam("since"))
        .limit(bindparam("most"))
        .subquery()
    )
)
_CITE = Statement(
    update(report).where(one_of(report.c.id, "reports")).values(draft=bindparam("named"), changed_at=bindparam("at"))
)
_ATTACH = Statement(
    update(report).where(one_of(report.c.id, "reports")).values(incident=bindparam("named"), changed_at=bindparam("at"))
)
_AGREE = Statement(update(report).where(one_of(report.c.id, "reports")).values(agreed=bindparam("agreed")))
_DRAFTS = Statement(
    select(report.c.draft)
    .where(text(f"report.{CITED}"), report.c.received_at >= bindparam("since"))
    .distinct()
    .limit(bindparam("most"))
)
_CITED_BY = Statement(
    select(report.c.draft, report.c.number).where(one_of(report.c.draft, "drafts")).order_by(report.c.seq)
)
_STEP = insert_into(report_step)
_STEPS = Statement(select(report_step).where(report_step.c.report == bindparam("report")).order_by(report_step.c.seq))
_UNTOLD = Statement(
    select(report_step)
    .where(text(f"report_step.{UNTOLD}"), report_step.c.channel == bindparam("channel"))
    .where(report_step.c.seq > bindparam("behind"))
    .order_by(report_step.c.seq)
    .limit(bindparam("most"))
)
_TOLD = Statement(update(report_step).where(report_step.c.seq == bindparam("key")).values(told_at=bindparam("told_at")))


def _is_proven(row: Any) -> bool:
    # Who says "me too" isn't who sent it without a proof.
    if row["state"] != ReportState.HELD.value or row["sent_by"] != row["source"]:
        return True
    held = read_reason(row["held"])
    return held is None or held.code not in UNPROVEN


class Reports(ReportParts, ReportForgetting):
    """Reports, and all that hangs on them."""

    # --- reports

    def add(self, new: CitizenReport) -> None:
        """Keep a new one; its number and its key are nobody else's."""
        _ADD.run(self._db, **values_of(new))

    def put(self, changed: CitizenReport) -> None:
        """Replace what was kept of it."""
        _SET.run(
            self._db, key_of=changed.id, **{k: v for k, v in values_of(changed).items() if k not in ("id", "number")}
        )

    def by_id(self, identity: str) -> CitizenReport | None:
        """The one of that id."""
        return self._one("id", identity)

    def by_number(self, number: str) -> CitizenReport | None:
        """The one of that number, as it is told to people."""
        return self._one("number", number.strip().upper())

    def by_key(self, key: str) -> CitizenReport | None:
        """The one that came by the form of that digest."""
        return self._one("key", key)

    def _one(self, column: str, value: str) -> CitizenReport | None:
        row = _BY[column].row(self._db, value=value)
        return report_from(row) if row else None

    def listed(
        self,
        most: int,
        *,
        states: Sequence[ReportState] | None = None,
        kind: str | None = None,
        since: datetime | None = None,
        before: int = BEYOND,
    ) -> Sequence[CitizenReport]:
        """Those of these states and that kind, newest first, from behind the one of that number."""
        named = None if states is None else json.dumps([state.value for state in states])
        rows = _LISTED.rows(self._db, states=named, kind=kind, since=stamp(since), before=before, most=most)
        return [report_from(row) for row in rows]

    def open(self, most: int, before: int = BEYOND) -> Sequence[CitizenReport]:
        """Those that the town still has to do with, newest first."""
        return [report_from(row) for row in _OPEN.rows(self._db, before=before, most=most)]

    def of_kind(
        self, kind: str, since: datetime, until: datetime, box: tuple[float, float, float, float], most: int
    ) -> Sequence[CitizenReport]:
        """Those of a kind that count, of that time, within `box` (south, west, north, east); newest first."""
        south, west, north, east = box
        rows = _OF_KIND.rows(
            self._db, kind=kind, since=stamp(since), until=stamp(until),
            south=south, west=west, north=north, east=east, most=most,
        )  # fmt: skip
        return [report_from(row) for row in rows]

    def cited_by(self, draft: str) -> Sequence[CitizenReport]:
        """The reports that made that alert, or joined it, in the order in which they came."""
        return [report_from(row) for row in _CITED.rows(self._db, draft=draft)]

    def brought_by(self, drafts: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
        """Who brought the reports that each of these alerts cites: officers, and whose programs it were."""
        found: dict[str, tuple[str, ...]] = {}
        for row in _BROUGHT.rows(self._db, drafts=json.dumps(list(drafts))):
            found[str(row["draft"])] = (*found.get(str(row["draft"]), ()), str(row["by"]))
        return found

    def of_chat(self, channel: str, chat: int, most: int) -> Sequence[CitizenReport]:
        """What was reported from that private chat, newest first."""
        return [report_from(row) for row in _OF_CHAT.rows(self._db, channel=channel, chat=chat, most=most)]

    def duplicates_of(self, identity: str, most: int) -> Sequence[CitizenReport]:
        """The reports that an officer said to be the same as that one, oldest first."""
        return [report_from(row) for row in _DUPLICATES.rows(self._db, of=identity, most=most)]

    def move_duplicates(self, identity: str, to: str) -> None:
        """Make what duplicates that report duplicates of another one."""
        _MOVE_DUPLICATES.run(self._db, of=identity, to=to)

    def next_number(self, year: int) -> int:
        """The next number of that year, which nobody else gets."""
        row = _NEXT.row(self._db, year=year)
        assert row is not None  # noqa: S101 it returns what it wrote
        return int(row["last"])

    # --- who told of them

    def tell(self, teller: ReportSource) -> bool:
        """Keep that somebody told of it; False where they had."""
        return bool(_TELL.run(self._db, **{**plain(teller), "at": stamp(teller.at)}).rowcount)

    def told_by_more(self, identity: str, more: int = 1) -> None:
        """Keep that so many more told of it: what is left once nobody knows who it was."""
        _TOLD_BY_MORE.run(self._db, key=identity, more=more)

    def tellers(self, reports: Sequence[str]) -> Sequence[ReportSource]:
        """Who told of these reports, as long as that is known."""
        rows = _TELLERS.rows(self._db, reports=json.dumps(list(reports)))
        return [ReportSource(row["report"], row["source"], row["source_before"], moment(row["at"])) for row in rows]

    def told_before(self, sources: Sequence[str], since: datetime, most: int) -> Sequence[EarlierTelling]:
        """What somebody of these digests told since then, newest first."""
        rows = _TOLD_BEFORE.rows(self._db, sources=json.dumps(list(sources)), since=stamp(since), most=most)
        return [EarlierTelling(row["number"], moment(row["at"]), row["text"], row["likeness"]) for row in rows]

    def received_since(self, since: datetime, most: int) -> int:
        """How many reports came after then, counted up to `most`; of the last day, while their sources are known."""
        row = _RECEIVED_SINCE.row(self._db, since=stamp(since), most=most)
        return int(row["n"]) if row else 0

    def held_photos(self, most: int) -> int:
        """How many photos of reports that are held are kept, counted up to `most`."""
        row = _HELD_PHOTOS.row(self._db, most=most)
        return int(row["n"]) if row else 0

    # --- those near one another, and the alerts that cite them

    def tellings(
        self,
        kind: str,
        since: datetime,
        until: datetime,
        box: tuple[float, float, float, float],
        most: int,
        *,
        uncited: bool = False,
    ) -> Sequence[Telling]:
        """The tellings of a kind that count, of that time, within `box` (south, west, north, east); newest first.

        `uncited` leaves out those that an alert cites already.
        """
        south, west, north, east = box
        rows = _TELLINGS.rows(
            self._db, kind=kind, since=stamp(since), until=stamp(until),
            south=south, west=west, north=north, east=east, most=most, uncited=int(uncited),
        )  # fmt: skip
        names = ("report", "lat", "lon", "source", "source_before", "draft", "incident", "by")
        return [
            Telling(**{name: row[name] for name in names}, at=moment(row["at"]), proven=_is_proven(row)) for row in rows
        ]

    def cite(self, reports: Sequence[str], draft: str, at: datetime) -> None:
        """Keep that an alert cites these reports."""
        _CITE.run(self._db, reports=json.dumps(list(reports)), named=draft, at=stamp(at))

    def attach(self, reports: Sequence[str], incident: str, at: datetime) -> None:
        """Keep that these reports are about an incident."""
        _ATTACH.run(self._db, reports=json.dumps(list(reports)), named=incident, at=stamp(at))

    def agreed(self, reports: Sequence[str]) -> None:
        """Keep that two told the same of these."""
        _AGREE.run(self._db, reports=json.dumps(list(reports)), agreed=True)

    def drafts(self, since: datetime, most: int) -> Sequence[str]:
        """The alerts that cite reports which came since then and belong to no incident yet."""
        return [str(row["draft"]) for row in _DRAFTS.rows(self._db, since=stamp(since), most=most)]

    def drafted_from(self, drafts: Sequence[str]) -> Mapping[str, list[str]]:
        """The numbers of the reports that each of these alerts cites, in the order in which they came."""
        found: dict[str, list[str]] = {}
        for row in _CITED_BY.rows(self._db, drafts=json.dumps(list(drafts))):
            found.setdefault(str(row["draft"]), []).append(str(row["number"]))
        return found

    # --- what became of them

    def step(self, new: ReportStep, channel: str | None = None, chat: int | None = None) -> None:
        """Keep what happened; where `chat` is known, it is still to be told there."""
        values = {**plain(new), "at": stamp(new.at), "told_at": stamp(new.told_at)}
        del values["seq"]
        _STEP.run(self._db, **values, channel=channel, chat=chat)

    def steps(self, identity: str) -> Sequence[ReportStep]:
        """What happened to it, in order."""
        return [step_from(row) for row in _STEPS.rows(self._db, report=identity)]

    def untold(self, channel: str, most: int, behind: int = 0) -> Sequence[tuple[ReportStep, int]]:
        """What is still to be told by that channel's bot, in order from behind that step on, and the chat."""
        rows = _UNTOLD.rows(self._db, channel=channel, behind=behind, most=most)
        return [(step_from(row), int(row["chat"])) for row in rows]

    def told(self, step: ReportStep, at: datetime) -> None:
        """Keep that it was told in its chat."""
        _TOLD.run(self._db, key=step.seq, told_at=stamp(at))
