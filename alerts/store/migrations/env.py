"""Alembic's entry: runs the migrations over the connection that `alerts.store.files` opened."""

from alembic import context
from sqlalchemy import Connection

from alerts.store.schema import metadata

connection: Connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, render_as_batch=True, transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
