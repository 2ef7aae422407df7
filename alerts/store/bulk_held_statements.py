"""The statements of what is held back for a chat's hour."""

from __future__ import annotations

from sqlalchemy import BindParameter, bindparam, delete, exists, func, literal_column, select, text, update

from alerts.store.bulk_statements import FAR_BELOW, OPEN, STILL_HELD
from alerts.store.schema import bulk, held_back, received
from alerts.store.statement import Statement, any_of, upsert_into

_OF: BindParameter[str] = bindparam("of")

HOLD = upsert_into(held_back)
LET_GO = Statement(
    delete(held_back).where(
        held_back.c.channel == _OF, held_back.c.chat == bindparam("who"), held_back.c.bulk == bindparam("key")
    )
)
IS_HELD = Statement(
    select(held_back.c.until).where(
        held_back.c.channel == _OF, held_back.c.chat == bindparam("who"), held_back.c.bulk == bindparam("key")
    )
)
LET_GO_ALL = Statement(
    text("DELETE FROM held_back WHERE channel = :of AND bulk = :key AND chat IN (SELECT value FROM json_each(:chats))")
)
# Only what has passed them: what is still on its way to them will see whether it is their hour.
_passed_by = ~exists().where(
    bulk.c.id == held_back.c.bulk,
    any_of(bulk.c.state, OPEN),
    func.coalesce(bulk.c.cursor, literal_column(str(FAR_BELOW))) < held_back.c.chat,
)
DUE = Statement(
    select(held_back.c.chat)
    .distinct()
    .where(held_back.c.channel == _OF, held_back.c.until <= bindparam("now"), _passed_by)
    .limit(bindparam("most"))
)
HELD_FOR = Statement(
    select(held_back.c.bulk)
    .where(held_back.c.channel == _OF, held_back.c.chat == bindparam("who"), held_back.c.until <= bindparam("now"))
    .where(_passed_by)
    .order_by(held_back.c.bulk)
)
NEXT_DUE = Statement(select(func.min(held_back.c.until).label("at")).where(held_back.c.channel == _OF))
_OLDER = select(bulk.c.id).where(
    bulk.c.channel == _OF, bulk.c.incident == bindparam("about"), bulk.c.seq < bindparam("seq")
)
INHERIT = Statement(
    update(held_back)
    .prefix_with("OR REPLACE")
    .where(held_back.c.channel == _OF, held_back.c.bulk.in_(_OLDER))
    .values(bulk=bindparam("key"))
)
PASS_ON = Statement(
    update(bulk).where(bulk.c.id.in_(_OLDER), STILL_HELD > 0).values(skipped=bulk.c.skipped + STILL_HELD)
)
FORGO = Statement(delete(held_back).where(held_back.c.channel == _OF, held_back.c.bulk.in_(_OLDER)))
FORGO_READERS = Statement(
    delete(held_back).where(
        held_back.c.channel == _OF,
        held_back.c.bulk.in_(_OLDER),
        exists().where(
            received.c.channel == held_back.c.channel,
            received.c.chat == held_back.c.chat,
            received.c.incident == bindparam("about"),
        ),
    )
)
