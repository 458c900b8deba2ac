"""Tables, engines and migrations: the single source of truth is PostgreSQL."""
