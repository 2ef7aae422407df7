"""Those who subscribed, each with every row that is bound to them, and the chats of officers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, time
from typing import TYPE_CHECKING, Any

from alerts.model.alert import Severity
from alerts.model.hazard import Hazard
from alerts.model.person import fold_name
from alerts.model.subscriber import (
    PART_OF,
    TOPIC_OF,
    Asked,
    Endpoint,
    Linked,
    Mailbox,
    Notice,
    PushEndpoint,
    Quiet,
    Subscriber,
    Telephone,
    Topic,
    wants,
)
from alerts.store.bulk_statements import TAKE_OFF
from alerts.store.facts import fact, keep_fact
from alerts.store.statement import Statement, UnitPart, stamp, time_of, upsert_into

if TYPE_CHECKING:
    from alerts.store.dialect import Row

OFFSET = "bot offset"
"""The fact under which a channel keeps the first update that wasn't handled yet."""
CHANGED = "subscribers changed"
"""The fact under which it is kept how often who subscribes to a channel has changed."""
OWN: Mapping[str, tuple[str, ...]] = {
    "subscriber": ("channel",),
    "received": ("channel", "incident"),
    "held_back": ("channel", "bulk"),
    "officer_chat": ("channel",),
    "officer_told": ("channel", "alert_id"),
    "officer_asked": ("channel",),
    "report_begun": ("channel",),
    "job": ("channel", "kind", "about"),
}
"""The tables with a chat in their key, and the rest of that key: who is forgotten is forgotten in all of these."""
_OF_CHANNEL = "bulk IN (SELECT id FROM bulk WHERE channel = :of)"

_GET = Statement("SELECT * FROM subscriber WHERE channel = :of AND chat = :who")
_BY_TOKEN = Statement("SELECT * FROM subscriber WHERE token = :digest AND channel = :of")
_PUT = upsert_into("subscriber", "channel", "chat")
_COUNT = Statement("SELECT count(*) FROM subscriber WHERE channel = :of AND is_on = TRUE")
_ALL = Statement("SELECT * FROM subscriber ORDER BY channel, chat")
_RECEIVED = Statement("SELECT incident, message_id, at FROM received WHERE channel = :of AND chat = :who ORDER BY at")
_DEFERRED = Statement("SELECT bulk, until FROM held_back WHERE channel = :of AND chat = :who ORDER BY until")
_FORGET = (
    # Whatever was on its way to that chat, or waited for its hour, has passed it over.
    Statement("""
        UPDATE bulk SET skipped = skipped + 1
        WHERE channel = :of
        AND (EXISTS (SELECT 1 FROM bulk_flight WHERE bulk_flight.bulk = bulk.id AND bulk_flight.chat = :who)
             OR EXISTS (
                 SELECT 1 FROM held_back
                 WHERE held_back.channel = :of AND held_back.chat = :who AND held_back.bulk = bulk.id))
    """),
    *(Statement(f"DELETE FROM {each} WHERE channel = :of AND chat = :who") for each in OWN),
    Statement(f"DELETE FROM bulk_flight WHERE chat = :who AND {_OF_CHANNEL}"),
    # A cursor names the chat it stands at; one before is the same place, once that chat is gone.
    Statement("UPDATE bulk SET cursor = cursor - 1 WHERE channel = :of AND cursor = :who"),
)


def _moved(table: str, keys: Sequence[str], whose: str) -> Iterator[Statement]:
    """The rows of one chat become another's; where that has such a row already, it makes way."""
    same = " AND ".join(["old.chat = :who", *(f"old.{name} = {table}.{name}" for name in keys)])
    yield Statement(f"""
        DELETE FROM {table}
        WHERE chat = :now AND {whose} AND EXISTS (SELECT 1 FROM {table} AS old WHERE {same})
    """)
    yield Statement(f"UPDATE {table} SET chat = :now WHERE chat = :who AND {whose}")


_MOVE = (
    *(statement for each, keys in OWN.items() for statement in _moved(each, keys, "channel = :of")),
    *_moved("bulk_flight", ("bulk",), _OF_CHANNEL),
)
_GONE_PAST = Statement("""
    SELECT * FROM bulk WHERE channel = :of AND state = 'sending' AND cursor < :before AND cursor >= :now
""")
_RESULTS = Statement(f"SELECT * FROM bulk_landed WHERE {_OF_CHANNEL}")
_LAND_ANEW = Statement("UPDATE bulk_landed SET got = :pairs WHERE seq = :key")
_CHANGE = Statement(f"""
    INSERT INTO fact (channel, key, value) VALUES (:channel, '{CHANGED}', '1')
    ON CONFLICT (channel, key) DO UPDATE SET value = CAST(CAST(fact.value AS bigint) + 1 AS text)
""")
# Stored as a number, so that SQL can compare it.
_AT_RANK = {severity.rank: severity for severity in Severity}


class Subscribers(UnitPart):
    """The subscribers of every channel. A chat is never named in a log."""

    def get(self, channel: str, chat: int) -> Subscriber | None:
        """Return that chat's choices. Returns None for a stranger."""
        row = _GET.row(self._db, of=channel, who=chat)
        return subscriber_of(row) if row else None

    def put(self, channel: str, subscriber: Subscriber) -> None:
        """Keep what a chat chose, in place of what it had chosen."""
        _PUT.run(
            self._db,
            channel=channel,
            chat=subscriber.chat,
            language=subscriber.language,
            districts=json.dumps(sorted(subscriber.districts), ensure_ascii=False),
            topics=json.dumps(sorted(subscriber.topics)),
            severity=subscriber.severity.rank,
            quiet=_spell(subscriber.quiet),
            step=subscriber.step,
            is_on=subscriber.on,
            endpoint=_spell_endpoint(subscriber.endpoint),
            token=subscriber.token,
            missed_at=None,  # who chooses is there
        )
        _CHANGE.run(self._db, channel=channel)

    def by_token(self, channel: str, token: str) -> Subscriber | None:
        """Return the browser, mailbox or telephone whose token has this digest. Returns None if there is none."""
        row = _BY_TOKEN.row(self._db, of=channel, digest=token)
        return subscriber_of(row) if row else None

    def forget(self, channel: str, chat: int) -> None:
        """Delete every row of that chat, in all tables."""
        for statement in _FORGET:
            statement.run(self._db, of=channel, who=chat)
        self._land_anew(channel, chat, None)
        _CHANGE.run(self._db, channel=channel)

    def moved(self, channel: str, old: int, new: int) -> None:
        """A group became a supergroup, or a browser got another address: all that was kept of `old` is `new`'s."""
        for statement in _MOVE:
            statement.run(self._db, of=channel, who=old, now=new)
        _CHANGE.run(self._db, channel=channel)
        self._land_anew(channel, old, new)
        self._catch_up(channel, old, new)

    def _catch_up(self, channel: str, old: int, new: int) -> None:
        """Hand over to a chat that moved behind the cursor before a bulk reached it, as if it had been there."""
        who = self.get(channel, new)
        if who is None or not who.on:
            return
        has = {incident for incident, _, _ in self.received(channel, new)}
        for row in _GONE_PAST.rows(self._db, of=channel, before=old, now=new):
            if row["incident"] in has or (row["everyone"] and wants(who, notice_of(row))):
                TAKE_OFF.run(self._db, bulk=row["id"], chat=new, doubt=False)

    def _land_anew(self, channel: str, old: int, new: int | None) -> None:
        """Change a chat in the landed results that aren't filed yet, which hold it in a list."""
        for row in _RESULTS.rows(self._db, of=channel):
            pairs = json.loads(row["got"])
            if any(chat == old for chat, _ in pairs):
                changed = [(new if chat == old else chat, message) for chat, message in pairs]
                kept = json.dumps([each for each in changed if each[0] is not None], separators=(",", ":"))
                _LAND_ANEW.run(self._db, key=row["seq"], pairs=kept)

    def changes(self, channel: str) -> int:
        """How often it changed who subscribes: while this is the same, `count` is too, which reads them all."""
        return int(fact(self._db, channel, CHANGED) or 0)

    def count(self, channel: str) -> int:
        """How many are on."""
        row = _COUNT.row(self._db, of=channel)
        return int(row[0]) if row else 0

    def all(self) -> Iterator[tuple[str, Subscriber]]:
        """Everybody, with their channel: also those who paused or never came to an end of choosing."""
        for row in _ALL.each(self._db):
            yield row["channel"], subscriber_of(row)

    def received(self, channel: str, chat: int) -> Sequence[tuple[str, int, datetime]]:
        """Return the incidents that a chat got, the number of the message, and when."""
        rows = _RECEIVED.rows(self._db, of=channel, who=chat)
        return [(row["incident"], row["message_id"], at) for row in rows if (at := time_of(row["at"]))]

    def deferred(self, channel: str, chat: int) -> Sequence[tuple[str, datetime]]:
        """The posts that wait for a chat's morning, or for what else comes, and until when."""
        rows = _DEFERRED.rows(self._db, of=channel, who=chat)
        return [(row["bulk"], until) for row in rows if (until := time_of(row["until"]))]

    def offset(self, channel: str) -> int:
        """The first update that wasn't handled yet; 0 where there was none."""
        return int(fact(self._db, channel, OFFSET) or 0)

    def handled(self, channel: str, offset: int) -> None:
        """Every update before `offset` was handled."""
        keep_fact(self._db, channel, OFFSET, str(offset))


def subscriber_of(row: Mapping[str, Any] | Row) -> Subscriber:
    """The subscriber of a row. A topic that there is none of any more is passed over."""
    known = {topic.value for topic in Topic}
    return Subscriber(
        chat=row["chat"],
        language=row["language"],
        districts=frozenset(json.loads(row["districts"])),
        topics=frozenset(Topic(each) for each in json.loads(row["topics"]) if each in known),
        severity=_AT_RANK[row["severity"]],
        quiet=quiet_of(row["quiet"]),
        step=row["step"],
        on=bool(row["is_on"]),
        endpoint=endpoint_of(row["endpoint"]),
        token=row["token"],
    )


_HAZARDS = frozenset(Hazard)


def notice_of(row: Row) -> Notice:
    """Return the subject of a bulk, for the subscribers' choices."""
    districts = json.loads(row["districts"]) if row["districts"] is not None else None
    topic = Topic(row["topic"])
    # A topic that is part of another is stored as that one, which the version before knows too.
    narrow = TOPIC_OF[Hazard(row["hazard"])] if row["hazard"] in _HAZARDS else topic
    if PART_OF.get(narrow) is topic:
        topic = narrow
    return Notice(topic, Severity(row["severity"]), None if districts is None else frozenset(districts))


def endpoint_of(text: str | None) -> Endpoint | None:
    """Return the endpoint of a row: a browser's address is stored with two keys, any other with one word.

    A mailbox's has an `@`, which no telephone's number has.
    """
    parts = json.loads(text) if text else ()
    if not parts:
        return None
    if len(parts) != 2:
        return PushEndpoint(*parts)
    return Mailbox(*parts) if "@" in parts[0] else Telephone(*parts)


def _spell_endpoint(endpoint: Endpoint | None) -> str | None:
    if isinstance(endpoint, Mailbox):
        return json.dumps([endpoint.address, endpoint.token])
    if isinstance(endpoint, Telephone):
        return json.dumps([endpoint.digits, endpoint.token])
    return json.dumps([endpoint.url, endpoint.p256dh, endpoint.auth]) if endpoint else None


def _spell(quiet: Quiet | None) -> str | None:
    return f"{quiet.start:%H:%M}-{quiet.end:%H:%M}" if quiet else None


def quiet_of(text: str | None) -> Quiet | None:
    """The quiet hours of a row."""
    if text is None:
        return None
    start, _, end = text.partition("-")
    return Quiet(time.fromisoformat(start), time.fromisoformat(end))


_OFFER = upsert_into("link_code", "account")
_CODE = Statement("SELECT account FROM link_code WHERE digest = :digest AND until > :now")
# Whether it was in time or not: a code that was shown once is good for one try.
_USED = Statement("DELETE FROM link_code WHERE digest = :hash")
_VOID = Statement("DELETE FROM link_code WHERE account = :folded")
_LINK = upsert_into("officer_chat", "channel", "chat")
_UNLINK = Statement("DELETE FROM officer_chat WHERE channel = :of AND chat = :who")
_UNTELL = (
    Statement("DELETE FROM officer_told WHERE channel = :of AND chat = :who"),
    Statement("DELETE FROM job WHERE channel = :of AND chat = :who AND kind = 'notice'"),
)
# A browser that was there for its officer alone.
_NO_DEVICE = Statement("""
    DELETE FROM subscriber WHERE channel = :of AND chat = :who AND endpoint IS NOT NULL AND is_on = FALSE
""")
_LINKED = Statement("SELECT * FROM officer_chat WHERE channel = :of AND chat = :who")
_OF = Statement("SELECT * FROM officer_chat WHERE account = :folded")
_ALL_LINKED = Statement("SELECT * FROM officer_chat WHERE channel = :of ORDER BY chat")
_NOTIFIED = Statement("SELECT * FROM officer_told WHERE channel = :of AND chat = :who")
_TELL = upsert_into("officer_told", "channel", "chat", "alert_id")
# One question a chat, the newest: a reason that is typed answers what was asked last.
_ASK = upsert_into("officer_asked", "channel", "chat")
_ASKED = Statement("SELECT * FROM officer_asked WHERE channel = :of AND chat = :who")
_UNASK = Statement("DELETE FROM officer_asked WHERE channel = :of AND chat = :who")
_ANSWERED = Statement("DELETE FROM officer_asked WHERE channel = :of AND chat = :who AND alert_id = :alert")
_SETTLE = Statement("DELETE FROM officer_told WHERE channel = :of AND chat = :who AND alert_id = :alert")


class OfficerChats(UnitPart):
    """The private chats of accounts, the waiting alerts each was notified of, and its open question."""

    def offer(self, digest: str, account: str, until: datetime) -> None:
        """Let the code of this digest link a chat to the account, once; an earlier code of it is void."""
        _OFFER.run(self._db, account=fold_name(account), digest=digest, until=stamp(until))

    def redeem(self, digest: str, now: datetime) -> str | None:
        """The account of the code, which is used up by this; None where there is none, or it is too late."""
        row = _CODE.row(self._db, digest=digest, now=stamp(now))
        _USED.run(self._db, hash=digest)
        return str(row["account"]) if row else None

    def link(self, linked: Linked) -> None:
        """Bind a chat to an account, in place of any other account."""
        self.unlink(linked.channel, linked.chat)
        _LINK.run(self._db, channel=linked.channel, chat=linked.chat, account=fold_name(linked.account))

    def unlink(self, channel: str, chat: int) -> None:
        """Bind that chat to nobody; what it was told, and asked, is forgotten, and a device that is nothing else."""
        _UNLINK.run(self._db, of=channel, who=chat)
        for statement in _UNTELL:
            statement.run(self._db, of=channel, who=chat)
        _NO_DEVICE.run(self._db, of=channel, who=chat)
        self.unask(channel, chat)

    def release(self, account: str) -> int:
        """Bind no chat to that account any more, and let no code do so; how many chats there were."""
        there = self.of(account)
        for each in there:
            self.unlink(each.channel, each.chat)
        _VOID.run(self._db, folded=fold_name(account))
        return len(there)

    def linked(self, channel: str, chat: int) -> str | None:
        """The account of that chat."""
        row = _LINKED.row(self._db, of=channel, who=chat)
        return str(row["account"]) if row else None

    def of(self, account: str) -> Sequence[Linked]:
        """The chats of an account."""
        return [_linked(row) for row in _OF.rows(self._db, folded=fold_name(account))]

    def all(self, channel: str) -> Sequence[Linked]:
        """Every linked chat of a channel's bot."""
        return [_linked(row) for row in _ALL_LINKED.rows(self._db, of=channel)]

    def notified(self, channel: str, chat: int) -> Mapping[str, datetime]:
        """Return the waiting alerts that a chat was notified of, and when it was last."""
        rows = _NOTIFIED.rows(self._db, of=channel, who=chat)
        return {row["alert_id"]: at for row in rows if (at := time_of(row["at"]))}

    def tell(self, channel: str, chat: int, alert: str, now: datetime) -> None:
        """Record that the chat was notified of this waiting alert."""
        _TELL.run(self._db, channel=channel, chat=chat, alert_id=alert, at=stamp(now))

    def settle(self, channel: str, chat: int, alert: str) -> None:
        """Record that the chat was notified of its end; its open question about it is deleted."""
        _SETTLE.run(self._db, of=channel, who=chat, alert=alert)
        _ANSWERED.run(self._db, of=channel, who=chat, alert=alert)

    def ask(self, channel: str, chat: int, asked: Asked) -> None:
        """The chat was asked why, in place of what it was asked before."""
        _ASK.run(
            self._db, channel=channel, chat=chat, alert_id=asked.alert, message_id=asked.message, at=stamp(asked.at)
        )

    def asked(self, channel: str, chat: int) -> Asked | None:
        """Return the chat's open question. Returns None if there is none."""
        row = _ASKED.row(self._db, of=channel, who=chat)
        at = time_of(row["at"]) if row else None
        return Asked(row["alert_id"], row["message_id"], at) if row and at else None

    def unask(self, channel: str, chat: int) -> None:
        """The chat is asked nothing any more."""
        _UNASK.run(self._db, of=channel, who=chat)


def _linked(row: Row) -> Linked:
    return Linked(row["channel"], row["chat"], row["account"])
