"""The tables that migrations make are the tables that the code declares."""

from __future__ import annotations

import sqlalchemy
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Column, Engine, Integer, MetaData, Table

from bridge.database import api, index, schema, webhook
from bridge.database.metadata import metadata


def differences(engine: Engine, declared: MetaData) -> list[tuple[object, ...]]:
    with engine.connect() as connection:
        found = compare_metadata(MigrationContext.configure(connection), declared)
    flat = [each for part in found for each in (part if isinstance(part, list) else [part])]
    return [each for each in flat if each[0] != "modify_comment"]  # those are for people


def test_migrations_make_every_table_as_it_is_declared(engine: Engine) -> None:
    assert {index.feed.name, schema.jobs.name, api.api_keys.name, webhook.deliveries.name} <= set(metadata.tables)
    assert differences(engine, metadata) == []


def test_a_table_that_no_migration_makes_is_found(engine: Engine) -> None:
    declared = MetaData()
    for table in metadata.tables.values():
        table.to_metadata(declared)
    Table("forgotten", declared, Column("id", Integer, primary_key=True))
    (difference,) = differences(engine, declared)
    assert difference[0] == "add_table"


def test_numbers_of_the_index_lie_where_filters_look(engine: Engine) -> None:
    columns = [column["name"] for column in sqlalchemy.inspect(engine).get_columns("numbers")]
    assert columns[:2] == ["series", "value"]
