"""What of reports is forgotten, and the secrets under which digests and private links are made.

Each of `drop_contact`, `drop_words` and `drop_all` takes out what the one before does, and more.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import bindparam, delete, literal_column, null, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert

from alerts.model.reports import CitizenReport
from alerts.store.report_rows import report_from
from alerts.store.schema import (
    EXACT,
    SOURCED,
    content_notice,
    report,
    report_forward,
    report_photo,
    report_secret,
    report_source,
    report_step,
)
from alerts.store.statement import Statement, UnitPart, one_of, stamp

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
    Statement(update(report_step).where(report_step.c.report == bindparam("key")).values(said=null(), by=null())),
    Statement(
        update(report_forward)
        .where(report_forward.c.report == bindparam("key"))
        .values(said=null(), token=null(), remote_id=null(), reason=null())
    ),
)
# The digests stay for their day: else whoever erases what they sent could send without end.
_DROP_ALL = (
    *_DROP_WORDS,
    Statement(
        update(report_source)
        .where(report_source.c.report == bindparam("key"))
        .values(kind=null(), lat=null(), lon=null())
    ),
)
_MADE = Statement(
    select(report)
    .where(report.c.utterance.is_not(None), report.c.text.is_not(None))
    .order_by(report.c.seq.desc())
    .limit(bindparam("most"))
)
_ERASED = Statement(
    select(report.c.id)
    .where(one_of(report.c.number, "numbers"), report.c.closing == literal_column("'erased'"))
    .limit(bindparam("most"))
)


class ReportForgetting(UnitPart):
    """What is taken out of reports, in time or at once, and the secrets."""

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

    def made_of_what_was_said(self, most: int) -> Sequence[CitizenReport]:
        """Those that officers made of what people said and have their words, newest first; it reads all there are."""
        return [report_from(row) for row in _MADE.rows(self._db, most=most)]

    def is_any_erased(self, numbers: Iterable[str]) -> bool:
        """Whether one of the reports of these numbers was erased."""
        return _ERASED.row(self._db, numbers=json.dumps(sorted(numbers)), most=1) is not None

    def drop_all(self, identity: str) -> None:
        """Take out where it was told as well, so that nothing of it counts any more."""
        for statement in _DROP_ALL:
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
