"""The database that relayer and index keep their state in: SQLite in a file, or PostgreSQL by URL."""
