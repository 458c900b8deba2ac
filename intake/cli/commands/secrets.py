"""`willcall secrets`."""

from typing import Annotated

import typer

from intake.cli.failures import CommandFailed
from intake.cli.output import JsonFlag, counted, print_json, print_line

app = typer.Typer(help="The secrets in the database, and the key that encrypts them.", no_args_is_help=True)


@app.command(epilog="Example: export WILLCALL_SECRET_KEY=$(willcall secrets generate)")
def generate() -> None:
    """Print a new key for WILLCALL_SECRET_KEY. Do not store it in backups of the database."""
    from worker.runtime.secret_key import generate_key

    print_line(generate_key())


@app.command(epilog="Example: willcall secrets rotate --tenant demo")
def rotate(
    tenants: Annotated[
        list[str] | None,
        typer.Option(
            "--tenant",
            metavar="T",
            help="Rotate the secrets of this tenant; by default, of all. May be repeated.",
        ),
    ] = None,
    seal_only: Annotated[
        bool,
        typer.Option("--seal-only", help="Keep all secrets, and encrypt them with the newest key."),
    ] = False,
    lost_key: Annotated[
        bool,
        typer.Option("--lost-key", help="The key is lost: also replace the secrets that no key decrypts."),
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Create new secrets, and encrypt everything with the newest key of WILLCALL_SECRET_KEY.

    Existing links, access tokens and signatures of ticket groups become invalid within seconds. Codes of
    tickets stay valid; new ones are signed with a new key. The secrets of API keys stay: create a new API
    key for a new one.
    """
    from datetime import UTC, datetime

    from db.sealed_rows import replace_unreadable, reseal
    from db.tenant_secrets import renew_secrets
    from intake.auth.keys import list_tenants
    from intake.cli.processes.servers import tenant_id, transaction
    from orders.catalogue.loading import add_ticket_key

    if lost_key and (tenants or seal_only):
        raise CommandFailed("--lost-key applies to all tenants and creates new secrets; use it alone")
    now = datetime.now(UTC)
    with transaction() as connection:
        replaced = replace_unreadable(connection) if lost_key else 0
        chosen = [] if seal_only else tenants or list_tenants(connection)
        for name in chosen:
            id_ = tenant_id(connection, name)
            add_ticket_key(connection, id_, now=now)
            renew_secrets(connection, id_, now=now)
        resealed = reseal(connection)
    if as_json:
        print_json({"tenants": chosen, "resealed": resealed, "replaced": replaced})
    else:
        print_line(f"Tenants with new secrets: {', '.join(chosen) or 'none'}.")
        print_line(f"Encrypted again: {counted(resealed, 'secret')}.")
        if replaced:
            print_line(f"Replaced, as no key decrypts them: {counted(replaced, 'secret')}.")
            print_line("Clients that sign their requests need new API keys: `willcall keys create`.")
