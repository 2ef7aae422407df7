"""The database: alerts, the outbox, the journal of attempts, and the memory of each source and lane.

Changes that belong together are one transaction: a function that gets a unit of work (`unit.Unit`) and is run as a
whole in the database's own thread (`database.Database`). Statements are SQLAlchemy Core's, compiled once; they are
defined above the class that runs them, in the file of their subject.
"""
