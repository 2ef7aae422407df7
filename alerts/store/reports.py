"""What citizens report: reports, who told of them, what became of them, their photos, and what is said against them.

A form that is sent twice is known by its `key`, a number is given once (`next_number`), and every change of a report is
one row of `report_step`, by which who reported is told of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, Text, bindparam, case, delete, func, null, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert

from alerts.model.reason import kept_reason, read_reason
from alerts.model.reports import (
    COUNTING,
    CitizenReport,
    Closing,
    ContentNotice,
    EarlierTelling,
    Forwarding,
    ForwardState,
    ReportPhoto,
    ReportSource,
    ReportState,
    ReportStep,
    Telling,
    Via,
)
from alerts.store.schema import (
    CITED,
    EXACT,
    OPEN_REPORTS,
    SOURCED,
    UNTOLD,
    content_notice,
    report,
    report_forward,
    report_number,
    report_photo,
    report_secret,
    report_source,
    report_step,
)
from alerts.store.statement import Statement, UnitPart, any_of, insert_into, moment, one_of, stamp, time_of, upsert_into

if TYPE_CHECKING:
    from alerts.store.dialect import Row

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
_TELLERS = Statement(
    select(report_source).where(one_of(report_source.c.report, "reports")).order_by(report_source.c.at)
)
_TELLINGS = Statement(
    select(report_source, report.c.draft, report.c.incident)
    .join(report, report.c.id == report_source.c.report)
    .where(report_source.c.kind == bindparam("kind"))
    .where(report_source.c.at >= bindparam("since"), report_source.c.at <= bindparam("until"))
    .where(report_source.c.lat >= bindparam("south"), report_source.c.lat <= bindparam("north"))
    .where(report_source.c.lon >= bindparam("west"), report_source.c.lon <= bindparam("east"))
    .where(any_of(report.c.state, [state.value for state in COUNTING]))
    .order_by(report_source.c.at.desc())
    .limit(bindparam("most"))
)
_SENT_BY_THEM = report.c.source == report_source.c.source
_TOLD_BEFORE = Statement(
    select(
        report.c.number,
        report_source.c.at,
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
    .order_by(report_step.c.seq)
    .limit(bindparam("most"))
)
_TOLD = Statement(update(report_step).where(report_step.c.seq == bindparam("key")).values(told_at=bindparam("told_at")))
_STRIP = (
    Statement(delete(report_source).where(report_source.c.report == bindparam("report"))),
    Statement(delete(report_photo).where(report_photo.c.report == bindparam("report"))),
    Statement(
        update(report_step)
        .where(report_step.c.report == bindparam("report"))
        .values(said=null(), channel=null(), chat=null())
    ),
)
_PUT_PHOTO = upsert_into(report_photo)
_PHOTO = Statement(select(report_photo).where(report_photo.c.report == bindparam("report")))
_PUT_NOTICE = upsert_into(content_notice)
_NOTICES = Statement(
    select(content_notice)
    .where(or_(bindparam("report", type_=Text).is_(None), content_notice.c.report == bindparam("report")))
    .where(or_(bindparam("state", type_=Text).is_(None), content_notice.c.state == bindparam("state")))
    .order_by(content_notice.c.at)
    .limit(bindparam("most"))
)
_NOTICE = Statement(select(content_notice).where(content_notice.c.id == bindparam("id")))
_PUT_FORWARD = upsert_into(report_forward)
_FORWARDED = Statement(select(report_forward).where(report_forward.c.report == bindparam("report")))
_FORWARDED_ALL = Statement(select(report_forward).where(one_of(report_forward.c.report, "reports")))
_DUE = Statement(
    select(report_forward)
    .where(report_forward.c.forward == bindparam("forward"), report_forward.c.state == bindparam("state"))
    .where(report_forward.c.next_try <= bindparam("until"))
    .order_by(report_forward.c.next_try, report_forward.c.report)
    .limit(bindparam("most"))
)
_SECRETS = Statement(select(report_secret.c.name, report_secret.c.value).where(one_of(report_secret.c.name, "names")))
_NEW_SECRET = Statement(
    insert(report_secret)
    .values(name=bindparam("name"), value=bindparam("value"), at=bindparam("at"))
    .on_conflict_do_nothing(index_elements=["name"])
)
_DROP_SECRETS = Statement(
    delete(report_secret).where(report_secret.c.name.startswith("day "), report_secret.c.at < bindparam("before"))
)
_DROP_SOURCES = (
    Statement(delete(report_source).where(report_source.c.at < bindparam("before"))),
    Statement(
        update(report)
        .where(text(f"report.{SOURCED}"), report.c.received_at < bindparam("before"))
        .values(source=null(), source_before=null(), likeness=null())
    ),
)
_WITH_CONTACT = Statement(
    select(report)
    .where(report.c.closed_at < bindparam("before"), or_(report.c.token != "", report.c.has_photo))
    .order_by(report.c.closed_at)
    .limit(bindparam("most"))
)
_DROP_CONTACT = (
    Statement(delete(report_photo).where(report_photo.c.report == bindparam("key"))),
    Statement(delete(content_notice).where(content_notice.c.report == bindparam("key"))),
    Statement(update(report_step).where(report_step.c.report == bindparam("key")).values(channel=null(), chat=null())),
)
_EXACT = Statement(
    select(report)
    .where(text(EXACT), report.c.received_at < bindparam("before"))
    .order_by(report.c.received_at)
    .limit(bindparam("most"))
)
_DROP_WORDS = (
    *_DROP_CONTACT,
    Statement(update(report_step).where(report_step.c.report == bindparam("key")).values(said=null())),
    Statement(
        update(report_forward)
        .where(report_forward.c.report == bindparam("key"))
        .values(said=null(), token=null(), remote_id=null())
    ),
)
_TIMES = ("at", "received_at", "changed_at")
_OTHER_TIMES = ("accepted_at", "closed_at")


class Reports(UnitPart):
    """Reports, and all that hangs on them."""

    # --- reports

    def add(self, new: CitizenReport) -> None:
        """Keep a new one; its number and its key are nobody else's."""
        _ADD.run(self._db, **_values(new))

    def put(self, changed: CitizenReport) -> None:
        """Replace what was kept of it."""
        _SET.run(
            self._db, key_of=changed.id, **{k: v for k, v in _values(changed).items() if k not in ("id", "number")}
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

    def of_chat(self, channel: str, chat: int, most: int) -> Sequence[CitizenReport]:
        """What was reported from that private chat, newest first."""
        return [report_from(row) for row in _OF_CHAT.rows(self._db, channel=channel, chat=chat, most=most)]

    def duplicates_of(self, identity: str, most: int) -> Sequence[CitizenReport]:
        """The reports that an officer said to be the same as that one, oldest first."""
        return [report_from(row) for row in _DUPLICATES.rows(self._db, of=identity, most=most)]

    def move_duplicates(self, identity: str, to: str) -> None:
        """Make what duplicates that report duplicates of another one."""
        _MOVE_DUPLICATES.run(self._db, of=identity, to=to)

    def strip(self, identity: str) -> None:
        """Drop what hangs on it and may tell of people: its photo, who told of it, what was said, to which chat."""
        for statement in _STRIP:
            statement.run(self._db, report=identity)

    def next_number(self, year: int) -> int:
        """The next number of that year, which nobody else gets."""
        row = _NEXT.row(self._db, year=year)
        assert row is not None  # noqa: S101 it returns what it wrote
        return int(row["last"])

    # --- who told of them

    def tell(self, teller: ReportSource) -> bool:
        """Keep that somebody told of it; False where they had."""
        return bool(_TELL.run(self._db, **{**_plain(teller), "at": stamp(teller.at)}).rowcount)

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

    # --- those near one another, and the alerts that cite them

    def tellings(
        self, kind: str, since: datetime, until: datetime, box: tuple[float, float, float, float], most: int
    ) -> Sequence[Telling]:
        """The tellings of a kind that count, of that time, within `box` (south, west, north, east); newest first."""
        south, west, north, east = box
        rows = _TELLINGS.rows(
            self._db, kind=kind, since=stamp(since), until=stamp(until),
            south=south, west=west, north=north, east=east, most=most,
        )  # fmt: skip
        names = ("report", "lat", "lon", "source", "source_before", "draft", "incident")
        return [Telling(**{name: row[name] for name in names}, at=moment(row["at"])) for row in rows]

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
        values = {**_plain(new), "at": stamp(new.at), "told_at": stamp(new.told_at)}
        del values["seq"]
        _STEP.run(self._db, **values, channel=channel, chat=chat)

    def steps(self, identity: str) -> Sequence[ReportStep]:
        """What happened to it, in order."""
        return [_step_from(row) for row in _STEPS.rows(self._db, report=identity)]

    def untold(self, channel: str, most: int) -> Sequence[tuple[ReportStep, int]]:
        """What is still to be told by that channel's bot, in order, and the chat."""
        return [(_step_from(row), int(row["chat"])) for row in _UNTOLD.rows(self._db, channel=channel, most=most)]

    def told(self, step: ReportStep, at: datetime) -> None:
        """Keep that it was told in its chat."""
        _TOLD.run(self._db, key=step.seq, told_at=stamp(at))

    # --- photos, and what is said against what is shown

    def put_photo(self, photo: ReportPhoto) -> None:
        """Keep the photo of a report, in place of the one before."""
        values = _plain(photo)
        _PUT_PHOTO.run(self._db, **{**values, "at": stamp(photo.at), "released_at": stamp(photo.released_at)})

    def photo(self, identity: str) -> ReportPhoto | None:
        """The photo of that report."""
        row = _PHOTO.row(self._db, report=identity)
        if row is None:
            return None
        photo = ReportPhoto(row["report"], bytes(row["jpeg"]), row["likeness"], moment(row["at"]))
        return replace(photo, released_at=time_of(row["released_at"]), released_by=row["released_by"])

    def put_notice(self, notice: ContentNotice) -> None:
        """Keep what somebody says against a report, or what was decided about that."""
        _PUT_NOTICE.run(self._db, **{**_plain(notice), "at": stamp(notice.at)})

    def notices(self, most: int, *, report: str | None = None, state: str | None = None) -> Sequence[ContentNotice]:
        """What was said against that report, or against all; oldest first."""
        return [_notice_from(row) for row in _NOTICES.rows(self._db, report=report, state=state, most=most)]

    def notice(self, identity: str) -> ContentNotice | None:
        """What was said under that id."""
        row = _NOTICE.row(self._db, id=identity)
        return _notice_from(row) if row else None

    # --- handing on

    def put_forwarding(self, forwarding: Forwarding) -> None:
        """Keep how far a report is on its way to another server."""
        values = {**_plain(forwarding), "state": forwarding.state.value, "reason": kept_reason(forwarding.reason)}
        _PUT_FORWARD.run(self._db, **{**values, "next_try": stamp(forwarding.next_try), "at": stamp(forwarding.at)})

    def forwardings(self, identity: str) -> Sequence[Forwarding]:
        """How far that report is on its way to other servers."""
        return [forwarding_from(row) for row in _FORWARDED.rows(self._db, report=identity)]

    def forwardings_of(self, reports: Sequence[str]) -> Sequence[Forwarding]:
        """How far these reports are on their way to other servers."""
        return [forwarding_from(row) for row in _FORWARDED_ALL.rows(self._db, reports=json.dumps(list(reports)))]

    def due_forwardings(self, forward: str, state: ForwardState, until: datetime, most: int) -> Sequence[Forwarding]:
        """Of those on their way to that server, in this state, what there is to do by then; the earliest first."""
        rows = _DUE.rows(self._db, forward=forward, state=state.value, until=stamp(until), most=most)
        return [forwarding_from(row) for row in rows]

    # --- what is forgotten in time

    def drop_sources(self, before: datetime) -> None:
        """Take out who told of what came before then."""
        for statement in _DROP_SOURCES:
            statement.run(self._db, before=stamp(before))

    def with_contact(self, before: datetime, most: int) -> Sequence[CitizenReport]:
        """Those closed before then whose private link, chat or photo is still there."""
        return [report_from(row) for row in _WITH_CONTACT.rows(self._db, before=stamp(before), most=most)]

    def drop_contact(self, identity: str) -> None:
        """Take out its photo, what was said against it, and the chat beside what happened to it."""
        for statement in _DROP_CONTACT:
            statement.run(self._db, key=identity)

    def exact(self, before: datetime, most: int) -> Sequence[CitizenReport]:
        """Those that came before then and have their exact place and their words."""
        return [report_from(row) for row in _EXACT.rows(self._db, before=stamp(before), most=most)]

    def drop_words(self, identity: str) -> None:
        """Take out all that anybody said about it, beside what `drop_contact` does."""
        for statement in _DROP_WORDS:
            statement.run(self._db, key=identity)

    # --- secrets

    def secrets(self, fresh: Mapping[str, str], at: datetime) -> Mapping[str, str]:
        """The secrets of these names; the first who asks brings each. Those named `day …` are thrown away in time."""
        kept = self._secrets(fresh)
        missing = fresh.keys() - kept.keys()
        for name in missing:
            _NEW_SECRET.run(self._db, name=name, value=fresh[name], at=stamp(at))
        # Another daemon may have been faster.
        return self._secrets(fresh) if missing else kept

    def secret(self, name: str, fresh: str, at: datetime) -> str:
        """The same of one."""
        return self.secrets({name: fresh}, at)[name]

    def _secrets(self, names: Iterable[str]) -> dict[str, str]:
        rows = _SECRETS.rows(self._db, names=json.dumps(sorted(names)))
        return {row["name"]: row["value"] for row in rows}

    def drop_day_secrets(self, before: datetime) -> None:
        """Throw away the days' secrets from before then: nobody can tell any more whose a digest was."""
        _DROP_SECRETS.run(self._db, before=stamp(before))


def _plain(value: Any) -> dict[str, Any]:
    return {each.name: getattr(value, each.name) for each in fields(value)}


def _values(of: CitizenReport) -> Mapping[str, Any]:
    values = _plain(of)
    del values["seq"]
    times = {name: stamp(values[name]) for name in (*_TIMES, *_OTHER_TIMES)}
    return {**values, **times, "held": kept_reason(of.held)}


def report_from(row: Row) -> CitizenReport:
    """The report of a row."""
    values = {each.name: row[each.name] for each in fields(CitizenReport)}
    values.update({name: moment(values[name]) for name in _TIMES})
    values.update({name: time_of(values[name]) for name in _OTHER_TIMES})
    values.update({name: bool(values[name]) for name in ("agreed", "has_photo", "rounded")})
    closing = values.pop("closing")
    return CitizenReport(
        **{**values, "state": ReportState(row["state"]), "via": Via(row["via"]), "held": read_reason(row["held"])},
        closing=Closing(closing) if closing else None,
    )


def _notice_from(row: Row) -> ContentNotice:
    values = {each.name: row[each.name] for each in fields(ContentNotice)}
    return ContentNotice(**{**values, "at": moment(row["at"])})


def forwarding_from(row: Row) -> Forwarding:
    """The forwarding of a row."""
    values = {each.name: row[each.name] for each in fields(Forwarding)}
    values.update(next_try=time_of(row["next_try"]), at=time_of(row["at"]), reason=read_reason(row["reason"]))
    values["state"] = ForwardState(row["state"])
    return Forwarding(**values)


def _step_from(row: Row) -> ReportStep:
    closing = Closing(row["closing"]) if row["closing"] else None
    return ReportStep(
        row["report"], moment(row["at"]), ReportState(row["state"]), closing, row["said"], row["incident"], row["by"],
        time_of(row["told_at"]), row["seq"],
    )  # fmt: skip
