"""The database (PostgreSQL): tables, engines, migrations, bulk writes."""
