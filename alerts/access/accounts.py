"""An administrator's acts on accounts and tokens, within a unit; each is written into the audit log.

Everything raises Forbidden for anybody else. Passwords arrive as hashes: hashing is slow.
"""

from __future__ import annotations

import unicodedata
from dataclasses import replace

from alerts.access.audit import AuditEvent
from alerts.access.sessions import PREFIX, digest, spelled
from alerts.desk.officer import Officer
from alerts.model.bounds import normal
from alerts.model.errors import Misuse, Refused
from alerts.model.person import FLEET_MARK, LONGEST_NAME, OF_A_TOWN, OF_PROGRAMS, Account, Act, Role, Token, fold_name
from alerts.model.reason import because
from alerts.model.town import Secret, Town

# Without 0, 1, i, l, o and u, which are taken for others when they are read out or copied.
_LETTERS = "23456789abcdefghjkmnpqrstvwxyz"
# A first password is five groups of four letters, so that it can be read out over a telephone.
_WORDS, _WORD = 5, 4
# Scripts with letters that can't be told apart, as their characters' Unicode names begin.
_ALIKE = ("LATIN", "GREEK", "CYRILLIC")
# Randomness comes from outside, in bytes, so that a simulation can replay it.
FIRST_PASSWORD_BYTES = 32
TOKEN_BYTES = 32


def first_password(chance: bytes) -> Secret:
    """A password to be read aloud once: five groups of four, of letters that aren't mistaken; 98 bits and more.

    Takes `FIRST_PASSWORD_BYTES` random bytes.
    """
    number = int.from_bytes(chance, "big")
    letters = ""
    for _ in range(_WORDS * _WORD):
        number, place = divmod(number, len(_LETTERS))
        letters += _LETTERS[place]
    return Secret("-".join(letters[start : start + _WORD] for start in range(0, len(letters), _WORD)))


def add_account(officer: Officer, name: str, role: Role, password: str) -> Account:
    """A person who may come in, with a first password that they change. Raises Misuse for a name that is taken."""
    officer.must(Act.ADMINISTER)
    accounts, wanted = officer.unit.accounts, " ".join(name.split())
    _must_be_a_name(wanted)
    _must_be_one_of(roles_of(officer.unit.desk.station), role)
    if (there := accounts.account(wanted)) is not None:
        raise Misuse(because("account_exists", name=there.name))
    # In the audit log a program's name stands like a person's: the two must not be one.
    if any(fold_name(token.name) == fold_name(wanted) and token.revoked_at is None for token in accounts.tokens()):
        raise Misuse(because("name_of_token", name=wanted))
    # Whoever made the account knows its first password, so it is good for one sign-in.
    account = Account(wanted, role, password, must_change=True, created_at=officer.unit.now)
    accounts.put_account(account)
    officer.write(AuditEvent.ACCOUNT_ADDED, account.name, role)
    return account


def set_role(officer: Officer, name: str, role: Role) -> Account:
    """Change what somebody may do, from their next click on."""
    officer.must(Act.ADMINISTER)
    before = found(officer, name)
    _must_be_one_of(roles_of(officer.unit.desk.station), role)
    account = replace(before, role=role)
    officer.unit.accounts.put_account(account)
    officer.write(AuditEvent.ROLE_CHANGED, account.name, f"{before.role} to {role}")
    return account


def disable(officer: Officer, name: str) -> Account:
    """Shut somebody out: their sessions end, their tokens are refused; what they did stays theirs."""
    officer.must(Act.ADMINISTER)
    account = found(officer, name)
    if account.disabled_at is not None:
        raise Refused(because("account_disabled_already", name=account.name))
    account = replace(account, disabled_at=officer.unit.now)
    officer.unit.accounts.put_account(account)
    officer.unit.accounts.drop_sessions(account.name)
    officer.write(AuditEvent.ACCOUNT_DISABLED, account.name)
    return account


def enable(officer: Officer, name: str) -> Account:
    """Enable an account again, with the password and the factors it had; its tokens end.

    Programs have those, and nobody watches them while the account is disabled.
    """
    officer.must(Act.ADMINISTER)
    account = found(officer, name)
    if account.disabled_at is None:
        raise Refused(because("account_not_disabled", name=account.name))
    account = replace(account, disabled_at=None)
    officer.unit.accounts.put_account(account)
    officer.write(AuditEvent.ACCOUNT_ENABLED, account.name)
    _revoke_all(officer, account)
    return account


def reset(officer: Officer, name: str, password: str) -> Account:
    """Begin anew with somebody who lost what proves them: a new first password; no factors, sessions, chats or tokens.

    Whoever holds a telephone that was lost decides nothing with the bot any more, and what a stolen token of theirs
    did under their name ends.
    """
    officer.must(Act.ADMINISTER)
    accounts, before = officer.unit.accounts, found(officer, name)
    # What a lost telephone still holds then leads to nobody.
    account = replace(before, password=password, must_change=True, totp=None, handle=None)
    accounts.put_account(account)
    keys = accounts.passkeys(account.name)
    for key in keys:
        accounts.drop_passkey(key.id)
    accounts.drop_sessions(account.name)
    gone = len(keys) + (before.totp is not None)
    officer.write(AuditEvent.ACCOUNT_RESET, account.name, f"{gone} second factors removed")
    if officer.unit.officer_chats.release(account.name):
        officer.write(AuditEvent.CHAT_UNLINKED, account.name)
    # Under a person's name a token acts as that person, so it goes with what else proved them.
    _revoke_all(officer, account)
    return account


def add_token(officer: Officer, name: str, role: Role, chance: bytes) -> tuple[Token, Secret]:
    """A program's token, and its only copy. Under the name of an account it is that person's.

    Raises Misuse where it would be allowed more than its person. Takes `TOKEN_BYTES` random bytes.
    """
    officer.must(Act.ADMINISTER)
    _must_be_one_of(token_roles_of(officer.unit.desk.station), role)
    unit, wanted = officer.unit, " ".join(name.split())
    owner = unit.accounts.account(wanted)
    if owner is None:
        _must_be_a_name(wanted)
    if owner is not None and owner.disabled_at is not None:
        raise Misuse(because("token_of_disabled", name=owner.name))
    if owner is not None and not owner.role.at_least(role):
        raise Misuse(because("token_above_owner", role=role, name=owner.name, has=owner.role))
    # Only its digest is stored, so it is shown this once.
    bearer = Secret(PREFIX + spelled(chance))
    token = Token(
        id=unit.new_id(),
        name=owner.name if owner else wanted,
        role=role,
        digest=digest(bearer.reveal()),
        created_at=unit.now,
        created_by=officer.actor.name,
    )
    unit.accounts.put_token(token)
    officer.write(AuditEvent.TOKEN_ADDED, token.name, f"{token.id} {role}")
    return token, bearer


def revoke(officer: Officer, name: str) -> list[Token]:
    """Refuse a token from now on, by its id, or all tokens of a name. Raises Misuse where there is none."""
    officer.must(Act.ADMINISTER)
    good = [token for token in officer.unit.accounts.tokens() if token.revoked_at is None]
    meant = [token for token in good if token.id == name] or [
        token for token in good if fold_name(token.name) == fold_name(name)
    ]
    if not meant:
        names = [f"{token.name} ({token.id})" for token in good]
        known = because("no_such_token", name=repr(name), known=names)
        raise Misuse(known if names else because("no_token_known", name=repr(name)))
    for token in meant:
        _revoke(officer, token)
    return meant


def found(officer: Officer, name: str) -> Account:
    """The account of that name. Raises Misuse."""
    account = officer.unit.accounts.account(name)
    if account is None:
        names = [each.name for each in officer.unit.accounts.accounts()]
        known = because("no_such_account", name=repr(name), known=names)
        raise Misuse(known if names else because("no_account_known", name=repr(name)))
    return account


def _revoke_all(officer: Officer, account: Account) -> None:
    for token in officer.unit.accounts.tokens():
        if token.revoked_at is None and fold_name(token.name) == fold_name(account.name):
            _revoke(officer, token)


def _revoke(officer: Officer, token: Token) -> None:
    officer.unit.accounts.put_token(replace(token, revoked_at=officer.unit.now))
    officer.write(AuditEvent.TOKEN_REVOKED, token.name, token.id)


def roles_of(town: Town) -> tuple[Role, ...]:
    """The roles that accounts of a desk may have: an operator is of a fleet's own desk alone."""
    return (Role.OPERATOR,) if town.is_fleet else OF_A_TOWN


def token_roles_of(town: Town) -> tuple[Role, ...]:
    """The roles that tokens of a desk may have: a program may be one that only reports."""
    return (Role.OPERATOR,) if town.is_fleet else OF_PROGRAMS


def _must_be_one_of(known: tuple[Role, ...], role: Role) -> None:
    if role not in known:
        raise Misuse(because("role_elsewhere", role=role, known=list(known)))


def _must_be_a_name(name: str) -> None:
    if len(name) > LONGEST_NAME or not 0 < len(fold_name(name)) <= LONGEST_NAME:
        raise Misuse(because("name_length", name=repr(name[:LONGEST_NAME]), most=LONGEST_NAME))
    # Failures of nobody's name are counted under a question mark, and a hyphen is nobody in the audit log.
    # What has the mark is an operator of a fleet, who is nobody here.
    if fold_name(name).startswith(("?", "-")) or not name.isprintable() or FLEET_MARK in name:
        raise Misuse(because("name_unprintable", name=repr(name)))
    scripts = [script.capitalize() for script in _ALIKE if script in _scripts(name)]
    if len(scripts) > 1:
        raise Misuse(because("name_of_scripts", name=repr(name), scripts=" and ".join(scripts)))


def _scripts(name: str) -> set[str]:
    """The first words of its letters' Unicode names: of most letters the script."""
    letters = (c for c in normal("NFKD", name) if c.isalpha())
    return {unicodedata.name(character, "").partition(" ")[0] for character in letters}
