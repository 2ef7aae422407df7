"""What is written down: alerts, the outbox, the journal of attempts, what each source and lane remembers.

Everything that must be true together is one transaction, and a transaction is one function run in the database's own
thread. Statements are SQLAlchemy Core's, compiled once.
"""
