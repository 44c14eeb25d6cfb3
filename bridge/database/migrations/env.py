"""Alembic's entry: the tables of the connection that was handed over."""

from __future__ import annotations

from alembic import context

from bridge.database.metadata import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
