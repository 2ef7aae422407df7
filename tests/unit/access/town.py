"""A gate in a service of its own: the real database, a clock to wind, Argon2 at its cheapest."""

from __future__ import annotations

import sqlite3

from argon2 import PasswordHasher
from pyotp import TOTP

from alerts.access.accounts import add_account, disable
from alerts.access.gate import Gate
from alerts.access.passwords import Passwords
from alerts.access.sessions import Confirmed, Enrolment, Entered, RelyingParty, SignInRefused, Visit
from alerts.desk.officer import Officer
from alerts.model.person import Actor, Origin, Role, Stage

CHANNELS = """
[station]
name = "Ville de Saint-Martin"
sender = "alertes@saint-martin.example"
[store]
url = "sqlite:///tocsin.db"
[channels.telegram]
kind = "telegram"
chat = "@saintmartin_alertes"
token = { env = "TELEGRAM_TOKEN" }
"""
SITE = RelyingParty("https://desk.example", "desk.example")
HOME, AWAY, FOE = Visit("192.0.2.1", "Firefox"), Visit("198.51.100.7", "Safari"), Visit("203.0.113.66", "curl")
FIRST, OWN = "first-password-of-anne", "correct horse battery"
ROOT = Actor("root", Role.ADMINISTRATOR, Origin.COMMAND, "root")


class Town:
    """A service and its gate, with what a test does again and again."""

    def __init__(self, service, clock, path, rules) -> None:
        self.service, self.clock, self.path = service, clock, path
        self.passwords = Passwords(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        self.gate = self.a_gate(rules)

    def a_gate(self, rules):
        return Gate(self.service, rules, passwords=self.passwords)

    async def add(self, name="Anne", role=Role.AUTHOR):
        kept = self.passwords.hash_now(FIRST)
        return await self.service.act(lambda unit: add_account(Officer(unit, ROOT), name, role, kept))

    async def disable(self, name="Anne"):
        return await self.service.act(lambda unit: disable(Officer(unit, ROOT), name))

    async def account(self, name="Anne"):
        return await self.service.ask(lambda unit: unit.accounts.account(name))

    async def enter(self, name="Anne", password=OWN, visit=HOME):
        """Sign in with the right password, as far as that leads."""
        entered = await self.gate.sign_in(name, password, visit)
        assert isinstance(entered, Entered), entered
        return entered

    async def settled(self, name="Anne", visit=HOME, role=Role.AUTHOR):
        """An account with a password of its own and codes; returns their generator."""
        await self.add(name, role)
        first = await self.enter(name, FIRST, visit)
        own = await self.gate.change_password(first.cookie, None, OWN, visit)
        enrolment = await self.gate.begin_code(own.cookie)
        assert isinstance(enrolment, Enrolment)
        codes = TOTP(enrolment.seed.reveal())
        entered = await self.gate.confirm_code(own.cookie, self.code(codes))
        assert isinstance(entered, Entered), entered
        assert entered.visitor.session.stage is Stage.FULL
        await self.clock.advance(60)
        return codes

    def code(self, codes, steps=0):
        return codes.at(self.clock.now(), counter_offset=steps)

    async def full(self, codes, name="Anne", visit=HOME):
        """Sign in all the way, with a code that wasn't used."""
        await self.clock.advance(60)
        halfway = await self.enter(name, visit=visit)
        entered = await self.gate.prove_by_code(halfway.cookie, self.code(codes), visit)
        assert isinstance(entered, Entered), entered
        return entered

    async def confirmed(self, entered, password=OWN, visit=HOME):
        """Who is in gives their password once more."""
        confirmed = await self.gate.prove_again(entered.cookie, password, visit)
        assert isinstance(confirmed, Confirmed), confirmed
        return confirmed

    async def fails(self, name="Anne", visit=FOE, password="wrong"):
        held = await self.gate.sign_in(name, password, visit)
        assert isinstance(held, SignInRefused)
        return held

    async def lines(self, act=None):
        """The record, oldest first: as (act, subject, detail)."""
        all_ = await self.service.ask(lambda unit: list(unit.audit.all()))
        return [
            (line.entry.act, line.entry.subject, line.entry.detail) for line in all_ if act in (None, line.entry.act)
        ]

    def raw(self, statement, *values):
        """Reach into the file, as somebody would who holds it."""
        db = sqlite3.connect(self.path, isolation_level=None)
        try:
            return db.execute(statement, values).fetchall()
        finally:
            db.close()
