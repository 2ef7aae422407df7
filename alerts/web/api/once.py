"""Once, however often it is asked: the answer is kept under the program's own key, in the transaction that acts.

So a crash leaves both or neither, and whoever got no answer asks again with the same key. An error isn't kept: nothing
was done, and the same key may be tried again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from alerts.desk.service import DeskUnit
from alerts.model.person import REPLIES_KEPT, KeptReply
from alerts.web.api.operation import Answer, Api, Call, told
from alerts.web.api.problems import Kind, Problem

REPLAYED = {"Idempotent-Replayed": "true"}


async def once(api: Api, call: Call, action: Callable[[DeskUnit], Answer]) -> Answer:
    """Carry it out in one transaction, or tell again what was answered. Raises Problem, and what `action` raises."""
    key = call.conditions.key
    if key is None:
        return await api.service.act(action)
    with _alone(api.under_way, (call.token, key)):
        return await api.service.act(lambda unit: _told_or_done(unit, call, key, action))


def _told_or_done(unit: DeskUnit, call: Call, key: str, action: Callable[[DeskUnit], Answer]) -> Answer:
    unit.replies.sweep(unit.now - REPLIES_KEPT)
    kept = unit.replies.reply(call.token, key)
    if kept is not None:
        return _again(kept, call)
    answer = action(unit)
    unit.replies.keep(KeptReply(call.token, key, call.digest, answer.status, answer.body.decode(), unit.now))
    return answer


def _again(kept: KeptReply, call: Call) -> Answer:
    if kept.request != call.digest:
        raise Problem(Kind.KEY_REUSED, "Idempotency-Key was used for another request; make a new key for a new request")
    return told(kept.status, kept.body, json.loads(kept.body), REPLAYED)


@contextmanager
def _alone(under_way: set[tuple[str, str]], one: tuple[str, str]) -> Iterator[None]:
    if one in under_way:
        again = {"Retry-After": "1"}
        raise Problem(Kind.UNDER_WAY, "a request with this Idempotency-Key is under way; ask again", headers=again)
    under_way.add(one)
    try:
        yield
    finally:
        under_way.discard(one)
