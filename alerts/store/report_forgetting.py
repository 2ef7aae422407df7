"""Forgetting of reports, and the secrets of digests and private links.

Each of `drop_contact`, `drop_words` and `drop_all` removes everything the one before does, and more.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from alerts.model.reports import CitizenReport
from alerts.store.conditions import EXACT, SOURCED
from alerts.store.report_rows import REPORT
from alerts.store.statement import Statement, UnitPart, insert_new, stamp

_SECRETS = Statement("SELECT name, value FROM report_secret WHERE name IN (SELECT value FROM items(:names))")
_NEW_SECRET = insert_new("report_secret", "name")
_DROP_SECRETS = Statement("DELETE FROM report_secret WHERE name LIKE 'day %' AND at < :before")
_DROP_SOURCES = (
    Statement("DELETE FROM report_source WHERE at < :before"),
    Statement(f"""
        UPDATE report SET source = NULL, source_before = NULL, likeness = NULL
        WHERE {SOURCED} AND received_at < :before
    """),
)
_WITH_CONTACT = Statement("""
    SELECT * FROM report WHERE closed_at < :before AND (token <> '' OR has_photo = TRUE) ORDER BY closed_at LIMIT :most
""")
# Each list includes the one before.
_DROP_CONTACT = (
    Statement("DELETE FROM report_photo WHERE report = :key"),
    Statement("DELETE FROM content_notice WHERE report = :key"),
    Statement("""
        DELETE FROM job
        WHERE kind = 'news' AND about IN (SELECT CAST(seq AS text) FROM report_step WHERE report = :key)
    """),
    Statement("UPDATE report_step SET channel = NULL, chat = NULL WHERE report = :key"),
)
_EXACT = Statement(f"SELECT * FROM report WHERE {EXACT} AND received_at < :before ORDER BY received_at LIMIT :most")
_DROP_WORDS = (
    *_DROP_CONTACT,
    Statement('UPDATE report_step SET said = NULL, "by" = NULL WHERE report = :key'),
    Statement(
        "UPDATE report_forward SET said = NULL, token = NULL, remote_id = NULL, reason = NULL WHERE report = :key"
    ),
)
# The digests stay for their day: else whoever erases what they sent could send without end.
_DROP_ALL = (
    *_DROP_WORDS,
    Statement("UPDATE report_source SET kind = NULL, lat = NULL, lon = NULL WHERE report = :key"),
)
_MADE = Statement("""
    SELECT * FROM report WHERE utterance IS NOT NULL AND text IS NOT NULL ORDER BY seq DESC LIMIT :most
""")
_ERASED = Statement("""
    SELECT id FROM report WHERE number IN (SELECT value FROM items(:numbers)) AND closing = 'erased' LIMIT :most
""")


class ReportForgetting(UnitPart):
    """Removal of reports' data, in time or at once, and the secrets."""

    # --- what is forgotten in time

    def drop_sources(self, before: datetime) -> None:
        """Delete the sources of reports from before then."""
        for statement in _DROP_SOURCES:
            statement.run(self._db, before=stamp(before))

    def with_contact(self, before: datetime, most: int) -> Sequence[CitizenReport]:
        """Those closed before then whose private link, chat or photo is still there."""
        return [REPORT.read(row) for row in _WITH_CONTACT.rows(self._db, before=stamp(before), most=most)]

    def drop_contact(self, identity: str) -> None:
        """Delete its photo, the objections to it, and the chat of its steps."""
        for statement in _DROP_CONTACT:
            statement.run(self._db, key=identity)

    def exact(self, before: datetime, most: int) -> Sequence[CitizenReport]:
        """Those that came before then and have their exact place and their words."""
        return [REPORT.read(row) for row in _EXACT.rows(self._db, before=stamp(before), most=most)]

    def drop_words(self, identity: str) -> None:
        """Delete all words about it, in addition to the data of `drop_contact`."""
        for statement in _DROP_WORDS:
            statement.run(self._db, key=identity)

    def made_of_what_was_said(self, most: int) -> Sequence[CitizenReport]:
        """Those that officers made of what people said and have their words, newest first; it reads all there are."""
        return [REPORT.read(row) for row in _MADE.rows(self._db, most=most)]

    def is_any_erased(self, numbers: Iterable[str]) -> bool:
        """True if one of the reports of these numbers was erased."""
        return _ERASED.row(self._db, numbers=json.dumps(sorted(numbers)), most=1) is not None

    def drop_all(self, identity: str) -> None:
        """Delete its places as well, so that nothing of it counts any more."""
        for statement in _DROP_ALL:
            statement.run(self._db, key=identity)

    # --- secrets

    def secrets(self, fresh: Mapping[str, str], at: datetime) -> Mapping[str, str]:
        """Return the secrets of these names, creating missing ones from `fresh`.

        Those named `day …` are deleted in time.
        """
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
        """Delete the days' secrets from before then: afterwards nobody can link a digest to a person."""
        _DROP_SECRETS.run(self._db, before=stamp(before))
