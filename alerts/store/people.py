"""People: their accounts, passkeys, sessions, tokens and sign-ins, and what they typed.

What programs were answered under their own keys is kept in the transaction that acts, so that a repeated call does
nothing twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from alerts.model.incident import SavedDraft
from alerts.model.person import Account, KeptReply, Passkey, Session, Token, fold_name
from alerts.store.mapper import Mapper
from alerts.store.statement import (
    Statement,
    UnitPart,
    fields_of,
    insert_into,
    kept_fields,
    moment,
    stamp,
    upsert_into,
)

# Rows refer to an account by its folded name.
_FOLDED_ACCOUNT = {"account": fold_name}
_ACCOUNT_ROW = Mapper(Account, folded=lambda account: fold_name(account.name))
_PASSKEY_ROW = Mapper(Passkey, writes=_FOLDED_ACCOUNT)
_SESSION_ROW = Mapper(Session, writes=_FOLDED_ACCOUNT)
_TOKEN_ROW = Mapper(Token, folded=lambda token: fold_name(token.name))
_DRAFT_ROW = Mapper(SavedDraft, reads={"fields": fields_of}, writes={"account": fold_name, "fields": kept_fields})
_REPLY_ROW = Mapper(KeptReply)

_ACCOUNT = Statement("SELECT * FROM account WHERE folded = :folded")
_ACCOUNTS = Statement("SELECT * FROM account ORDER BY folded")
_PUT_ACCOUNT = upsert_into("account", "folded")
_PASSKEYS = Statement("SELECT * FROM passkey WHERE account = :folded ORDER BY created_at")
_PASSKEY = Statement("SELECT * FROM passkey WHERE id = :id")
_PUT_PASSKEY = upsert_into("passkey", "id")
_DROP_PASSKEY = Statement("DELETE FROM passkey WHERE id = :key")
_SESSION = Statement("SELECT * FROM session WHERE digest = :digest")
_SESSIONS = Statement("SELECT * FROM session WHERE account = :folded ORDER BY created_at DESC")
_PUT_SESSION = upsert_into("session", "digest")
_DROP_SESSION = Statement("DELETE FROM session WHERE digest = :key")
# All but one: whoever changes their password stays signed in where they did it, and nowhere else.
_DROP_SESSIONS = Statement("""
    DELETE FROM session WHERE account = :folded AND (CAST(:but AS text) IS NULL OR digest <> :but)
""")
_TOKENS = Statement("SELECT * FROM token ORDER BY folded, created_at")
_TOKEN = Statement("SELECT * FROM token WHERE digest = :digest")
_PUT_TOKEN = upsert_into("token", "id")
_ATTEMPTED = insert_into("sign_in", returning="seq")
# What failed before the last good sign-in of the name is forgiven: else somebody who mistypes each day is locked out.
_LAST_GOOD = "SELECT max(seq) FROM sign_in AS well WHERE well.folded = :folded AND well.good = TRUE"
_SINCE_GOOD = f"seq > coalesce(({_LAST_GOOD}), -1)"
_FAILED_FOR = Statement(f"""
    SELECT at FROM sign_in
    WHERE folded = :folded AND good = FALSE AND at >= :since
    AND (CAST(:address AS text) IS NULL OR address = :address) AND {_SINCE_GOOD}
    ORDER BY at
""")
_FAILED_WHERE = Statement(f"""
    SELECT at, address FROM sign_in
    WHERE folded = :folded AND good = FALSE AND at >= :since AND at <= :until AND {_SINCE_GOOD}
    ORDER BY at
""")
_FAILED_FROM = Statement("""
    SELECT at FROM sign_in WHERE address = :address AND good = FALSE AND at >= :since ORDER BY at
""")
_FAILING = Statement("""
    SELECT address FROM sign_in WHERE good = FALSE AND at >= :since
    GROUP BY address HAVING count(*) >= :least ORDER BY address
""")
_CAME_IN = Statement("""
    SELECT seq FROM sign_in
    WHERE address = :address AND good = TRUE AND at >= :since
    AND (CAST(:folded AS text) IS NULL OR folded = :folded) AND (CAST(:until AS bigint) IS NULL OR at <= :until)
    LIMIT 1
""")
# An attempt is written down as failed before the password is even checked, so that many at once don't slip past the
# throttle; a good one is taken back by its number.
_FORGET = Statement("DELETE FROM sign_in WHERE seq = :number")
_SWEEP_SESSIONS = Statement("DELETE FROM session WHERE expires_at <= :now")
# Good ones stay longer: an address from which somebody came in is believed more than one that is new.
_SWEEP_ATTEMPTS = Statement("""
    DELETE FROM sign_in WHERE (good = FALSE AND at < :failed) OR (good = TRUE AND at < :good_ones)
""")


class Accounts(UnitPart):
    """Accounts, their passkeys, sessions and tokens, and the attempts to sign in. Names are found however spelled."""

    def account(self, name: str) -> Account | None:
        """The account of that name."""
        return _ACCOUNT_ROW.found(_ACCOUNT.row(self._db, folded=fold_name(name)))

    def accounts(self) -> Sequence[Account]:
        """All accounts, by name."""
        return [_ACCOUNT_ROW.read(row) for row in _ACCOUNTS.rows(self._db)]

    def put_account(self, account: Account) -> None:
        """Add an account, or replace what was kept of it."""
        _PUT_ACCOUNT.run(self._db, **_ACCOUNT_ROW.values(account))

    def passkeys(self, account: str) -> Sequence[Passkey]:
        """The passkeys of an account."""
        return [_PASSKEY_ROW.read(row) for row in _PASSKEYS.rows(self._db, folded=fold_name(account))]

    def passkey(self, identity: str) -> Passkey | None:
        """The passkey of that id."""
        return _PASSKEY_ROW.found(_PASSKEY.row(self._db, id=identity))

    def put_passkey(self, passkey: Passkey) -> None:
        """Add a passkey, or replace what was kept of it."""
        _PUT_PASSKEY.run(self._db, **_PASSKEY_ROW.values(passkey))

    def drop_passkey(self, identity: str) -> None:
        """Forget a passkey."""
        _DROP_PASSKEY.run(self._db, key=identity)

    def session(self, digest: str) -> Session | None:
        """The session whose cookie has this hash, be it over or not."""
        return _SESSION_ROW.found(_SESSION.row(self._db, digest=digest))

    def sessions(self, account: str) -> Sequence[Session]:
        """The sessions of an account, newest first."""
        return [_SESSION_ROW.read(row) for row in _SESSIONS.rows(self._db, folded=fold_name(account))]

    def put_session(self, session: Session) -> None:
        """Add a session, or replace what was kept of it."""
        _PUT_SESSION.run(self._db, **_SESSION_ROW.values(session))

    def drop_session(self, digest: str) -> None:
        """End a session."""
        _DROP_SESSION.run(self._db, key=digest)

    def drop_sessions(self, account: str, *, but: str | None = None) -> None:
        """End all sessions of an account, except the one with the hash `but`."""
        _DROP_SESSIONS.run(self._db, folded=fold_name(account), but=but)

    def tokens(self) -> Sequence[Token]:
        """All tokens, by name."""
        return [_TOKEN_ROW.read(row) for row in _TOKENS.rows(self._db)]

    def token(self, digest: str) -> Token | None:
        """The token with this hash."""
        return _TOKEN_ROW.found(_TOKEN.row(self._db, digest=digest))

    def put_token(self, token: Token) -> None:
        """Add a token, or replace what was kept of it."""
        _PUT_TOKEN.run(self._db, **_TOKEN_ROW.values(token))

    def attempted(self, at: datetime, name: str, address: str, *, good: bool) -> int:
        """Write down an attempt to sign in; returns its number."""
        added = _ATTEMPTED.row(self._db, at=stamp(at), folded=_key(name), address=address, good=good)
        return added["seq"] if added is not None else 0

    def forget_attempt(self, number: int) -> None:
        """Take back an attempt that was written down as failed before it was known, and didn't fail."""
        _FORGET.run(self._db, number=number)

    def failures(self, since: datetime, *, name: str | None = None, address: str | None = None) -> Sequence[datetime]:
        """When attempts failed since, oldest first: for a name since its last good one, from an address, or both."""
        if name is not None:
            rows = _FAILED_FOR.rows(self._db, folded=_key(name), address=address, since=stamp(since))
        else:
            rows = _FAILED_FROM.rows(self._db, address=address, since=stamp(since))
        return [moment(row["at"]) for row in rows]

    def failed_from(self, since: datetime, until: datetime, name: str) -> Sequence[tuple[datetime, str]]:
        """When and from where attempts for a name failed between two times, oldest first; none before its last good."""
        rows = _FAILED_WHERE.rows(self._db, folded=_key(name), since=stamp(since), until=stamp(until))
        return [(moment(row["at"]), row["address"]) for row in rows]

    def failing_addresses(self, since: datetime, least: int) -> Sequence[str]:
        """The addresses from which so many attempts failed since, or more."""
        return [row["address"] for row in _FAILING.rows(self._db, since=stamp(since), least=least)]

    def came_in(self, since: datetime, address: str, *, name: str | None = None, until: datetime | None = None) -> bool:
        """True if a sign-in from an address succeeded between two times: for a name, or for any."""
        folded = None if name is None else _key(name)
        times = {"since": stamp(since), "until": stamp(until)}
        return _CAME_IN.row(self._db, address=address, folded=folded, **times) is not None

    def sweep(self, now: datetime, failed_before: datetime, good_before: datetime) -> None:
        """Forget sessions that are over, and attempts from before: the good ones are remembered longer."""
        _SWEEP_SESSIONS.run(self._db, now=stamp(now))
        _SWEEP_ATTEMPTS.run(self._db, failed=stamp(failed_before), good_ones=stamp(good_before))


# What a stranger types as a name is kept for the throttle, so it is bounded like any other name.
def _key(name: str) -> str:
    return fold_name(name)[:100]


_DRAFT = Statement("SELECT * FROM draft WHERE id = :id")
_DRAFTS = Statement("""
    SELECT * FROM draft WHERE account = :folded AND alert_id IS NULL ORDER BY updated_at DESC, id DESC
""")
_PUT_DRAFT = upsert_into("draft", "id")
_DROP_DRAFT = Statement("DELETE FROM draft WHERE id = :key")
_SWEEP_DRAFTS = Statement("DELETE FROM draft WHERE updated_at < :before")


class Drafts(UnitPart):
    """Officers' unfinished drafts."""

    def draft(self, identity: str) -> SavedDraft | None:
        """The draft of that id."""
        return _DRAFT_ROW.found(_DRAFT.row(self._db, id=identity))

    def drafts(self, account: str) -> Sequence[SavedDraft]:
        """Return an account's unposted drafts, newest first."""
        return [_DRAFT_ROW.read(row) for row in _DRAFTS.rows(self._db, folded=fold_name(account))]

    def put_draft(self, draft: SavedDraft) -> None:
        """Keep a draft, or replace what was kept of it."""
        _PUT_DRAFT.run(self._db, **_DRAFT_ROW.values(draft))

    def drop_draft(self, identity: str) -> None:
        """Throw a draft away."""
        _DROP_DRAFT.run(self._db, key=identity)

    def sweep_drafts(self, before: datetime) -> None:
        """Throw away, of all accounts, what was last changed before then, posted or not."""
        _SWEEP_DRAFTS.run(self._db, before=stamp(before))


_REPLY = Statement("SELECT * FROM idempotency WHERE token = :token AND key = :key")
_KEEP_REPLY = upsert_into("idempotency", "token", "key")
_DROP_REPLIES = Statement("DELETE FROM idempotency WHERE body LIKE '%' || :words || '%'")
_SWEEP_REPLIES = Statement("DELETE FROM idempotency WHERE at < :oldest")


class Replies(UnitPart):
    """The responses to programs under their own keys, stored in the transaction of the act."""

    def reply(self, token: str, key: str) -> KeptReply | None:
        """Return the response to this token under this key. Returns None if there is none."""
        return _REPLY_ROW.found(_REPLY.row(self._db, token=token, key=key))

    def keep(self, reply: KeptReply) -> None:
        """Keep an answer."""
        _KEEP_REPLY.run(self._db, **_REPLY_ROW.values(reply))

    def sweep(self, before: datetime) -> None:
        """Forget the answers from before."""
        _SWEEP_REPLIES.run(self._db, oldest=stamp(before))

    def drop_those_with(self, words: str) -> None:
        """Delete the responses that contain these words; there is at most a day's worth of them."""
        _DROP_REPLIES.run(self._db, words=words)
