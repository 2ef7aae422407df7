"""The store as those see it who let people in, and who write down what they do. All within one transaction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Protocol

from alerts.model.draft import SavedDraft
from alerts.model.person import Account, Chained, Entry, Passkey, Session, Token


class Ledger(Protocol):
    """The record of who did what: it only grows, and each line is bound to the one before."""

    def write(self, entry: Entry) -> Chained:
        """Add a line."""
        ...

    def newest(self, *, before: int | None = None, subject: str | None = None, most: int = 50) -> Sequence[Chained]:
        """The newest lines first, from before the line `before`; of one subject, or of all."""
        ...

    def all(self) -> Iterator[Chained]:
        """Every line, oldest first. Raises Unreadable at a line that no Tocsin has written so."""
        ...

    def height(self) -> int:
        """The number of the newest line that was ever written, be it there or not."""
        ...


class Accounts(Protocol):
    """Accounts, their passkeys, sessions and tokens, and the attempts to sign in. Names are found however spelled."""

    def account(self, name: str) -> Account | None:
        """The account of that name."""
        ...

    def accounts(self) -> Sequence[Account]:
        """All accounts, by name."""
        ...

    def put_account(self, account: Account) -> None:
        """Add an account, or replace what was kept of it."""
        ...

    def passkeys(self, account: str) -> Sequence[Passkey]:
        """The passkeys of an account."""
        ...

    def passkey(self, identity: str) -> Passkey | None:
        """The passkey of that id."""
        ...

    def put_passkey(self, passkey: Passkey) -> None:
        """Add a passkey, or replace what was kept of it."""
        ...

    def drop_passkey(self, identity: str) -> None:
        """Forget a passkey."""
        ...

    def session(self, digest: str) -> Session | None:
        """The session whose cookie has this hash, be it over or not."""
        ...

    def sessions(self, account: str) -> Sequence[Session]:
        """The sessions of an account, newest first."""
        ...

    def put_session(self, session: Session) -> None:
        """Add a session, or replace what was kept of it."""
        ...

    def drop_session(self, digest: str) -> None:
        """End a session."""
        ...

    def drop_sessions(self, account: str, *, but: str | None = None) -> None:
        """End all sessions of an account, except the one with the hash `but`."""
        ...

    def tokens(self) -> Sequence[Token]:
        """All tokens, by name."""
        ...

    def token(self, digest: str) -> Token | None:
        """The token with this hash."""
        ...

    def put_token(self, token: Token) -> None:
        """Add a token, or replace what was kept of it."""
        ...

    def attempted(self, at: datetime, name: str, address: str, *, good: bool) -> int:
        """Write down an attempt to sign in; returns its number."""
        ...

    def forget_attempt(self, number: int) -> None:
        """Take back an attempt that was written down as failed before it was known, and didn't fail."""
        ...

    def failures(self, since: datetime, *, name: str | None = None, address: str | None = None) -> Sequence[datetime]:
        """When attempts failed since, oldest first: for a name since its last good one, from an address, or both."""
        ...

    def failed_from(self, since: datetime, until: datetime, name: str) -> Sequence[tuple[datetime, str]]:
        """When and from where attempts for a name failed between two times, oldest first; none before its last good."""
        ...

    def failing_addresses(self, since: datetime, least: int) -> Sequence[str]:
        """The addresses from which so many attempts failed since, or more."""
        ...

    def came_in(self, since: datetime, address: str, *, name: str | None = None) -> bool:
        """Whether a good attempt came from an address since: for a name, or for any."""
        ...

    def sweep(self, now: datetime, failed_before: datetime, good_before: datetime) -> None:
        """Forget sessions that are over, and attempts from before: the good ones are remembered longer."""
        ...


class Drafts(Protocol):
    """What officers have typed so far."""

    def draft(self, identity: str) -> SavedDraft | None:
        """The draft of that id."""
        ...

    def drafts(self, account: str) -> Sequence[SavedDraft]:
        """What an account has not posted yet, newest first."""
        ...

    def put_draft(self, draft: SavedDraft) -> None:
        """Keep a draft, or replace what was kept of it."""
        ...

    def drop_draft(self, identity: str) -> None:
        """Throw a draft away."""
        ...

    def sweep_drafts(self, before: datetime) -> None:
        """Throw away, of all accounts, what was last changed before then, posted or not."""
        ...
