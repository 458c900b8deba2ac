"""`willcall migrate`."""

from intake.cli.output import JsonFlag, print_json, print_line


def migrate(as_json: JsonFlag = False) -> None:
    """Bring the database to the newest schema. Running it again changes nothing."""
    from db.migrate import upgrade
    from db.sealing import keyring
    from intake.cli.processes.servers import engine

    with engine() as opened:
        opened.connect().close()
        keyring()  # a process that creates a schema can encrypt the secrets that come into it
        before, after = upgrade(opened)
    if as_json:
        print_json({"before": before, "after": after})
    elif before == after:
        print_line(f"The schema is already {after}.")
    else:
        print_line(f"The schema is now {after} (before: {before or 'none'}).")
