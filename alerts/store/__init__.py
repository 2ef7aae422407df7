"""What is written down: alerts, the outbox, the journal of attempts, what each source and lane remembers.

Everything that must be true together is one transaction: a function that gets a unit of work (`unit.Unit`) and is run
as a whole in the database's own thread (`database.Database`). Statements are SQLAlchemy Core's, compiled once; they
stand above the class that runs them, in the file of their subject.
"""
