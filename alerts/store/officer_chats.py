"""The private chats in which accounts are told what waits, and the codes that link them."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import bindparam, delete, select

from alerts.model.actor import fold_name
from alerts.model.ports.subscribing import Asked, Linked
from alerts.store.schema import link_code, officer_asked, officer_chat, officer_told, stamp, time_of
from alerts.store.statement import Statement, upsert_into

_HERE = (officer_chat.c.channel == bindparam("of"), officer_chat.c.chat == bindparam("who"))
_TOLD_HERE = (officer_told.c.channel == bindparam("of"), officer_told.c.chat == bindparam("who"))
_ASKED_HERE = (officer_asked.c.channel == bindparam("of"), officer_asked.c.chat == bindparam("who"))
_OFFER = upsert_into(link_code)
_CODE = Statement(
    select(link_code.c.account).where(link_code.c.digest == bindparam("digest"), link_code.c.until > bindparam("now"))
)
_USED = Statement(delete(link_code).where(link_code.c.digest == bindparam("hash")))
_VOID = Statement(delete(link_code).where(link_code.c.account == bindparam("folded")))
_LINK = upsert_into(officer_chat)
_UNLINK = Statement(delete(officer_chat).where(*_HERE))
_UNTELL = Statement(delete(officer_told).where(*_TOLD_HERE))
_LINKED = Statement(select(officer_chat).where(*_HERE))
_OF = Statement(select(officer_chat).where(officer_chat.c.account == bindparam("folded")))
_ALL = Statement(select(officer_chat).where(officer_chat.c.channel == bindparam("of")).order_by(officer_chat.c.chat))
_TOLD = Statement(select(officer_told).where(*_TOLD_HERE))
_TELL = upsert_into(officer_told)
_ASK = upsert_into(officer_asked)
_ASKED = Statement(select(officer_asked).where(*_ASKED_HERE))
_UNASK = Statement(delete(officer_asked).where(*_ASKED_HERE))
_ANSWERED = Statement(delete(officer_asked).where(*_ASKED_HERE, officer_asked.c.alert_id == bindparam("alert")))
_SETTLE = Statement(delete(officer_told).where(*_TOLD_HERE, officer_told.c.alert_id == bindparam("alert")))


class StoredOfficerChats:
    """`alerts.model.ports.OfficerChats` over a connection that is in a transaction."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

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
        """Bind that chat to nobody; what it was told, and asked, is forgotten."""
        _UNLINK.run(self._db, of=channel, who=chat)
        _UNTELL.run(self._db, of=channel, who=chat)
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
        return [_linked(row) for row in _ALL.rows(self._db, of=channel)]

    def told(self, channel: str, chat: int) -> Mapping[str, datetime]:
        """The alerts that a chat was told wait, and when it was told last."""
        rows = _TOLD.rows(self._db, of=channel, who=chat)
        return {row["alert_id"]: at for row in rows if (at := time_of(row["at"]))}

    def tell(self, channel: str, chat: int, alert: str, now: datetime) -> None:
        """The chat was told that this alert waits."""
        _TELL.run(self._db, channel=channel, chat=chat, alert_id=alert, at=stamp(now))

    def settle(self, channel: str, chat: int, alert: str) -> None:
        """The chat was told how it ended, and nobody is asked about it any more."""
        _SETTLE.run(self._db, of=channel, who=chat, alert=alert)
        _ANSWERED.run(self._db, of=channel, who=chat, alert=alert)

    def ask(self, channel: str, chat: int, asked: Asked) -> None:
        """The chat was asked why, in place of what it was asked before."""
        _ASK.run(
            self._db, channel=channel, chat=chat, alert_id=asked.alert, message_id=asked.message, at=stamp(asked.at)
        )

    def asked(self, channel: str, chat: int) -> Asked | None:
        """What the chat was asked last and hasn't answered; None: nothing."""
        row = _ASKED.row(self._db, of=channel, who=chat)
        at = time_of(row["at"]) if row else None
        return Asked(row["alert_id"], row["message_id"], at) if row and at else None

    def unask(self, channel: str, chat: int) -> None:
        """The chat is asked nothing any more."""
        _UNASK.run(self._db, of=channel, who=chat)


def _linked(row: sqlite3.Row) -> Linked:
    return Linked(row["channel"], row["chat"], row["account"])
