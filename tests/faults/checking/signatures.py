"""Reading tickets' codes as a gate does that knows nothing but the public keys."""

from collections.abc import Callable

from sqlalchemy import Engine, text

from willcall.ticket_codes import ForgedCode, UnknownKey, verify_ticket


def code_reader(engine: Engine) -> Callable[[str], str | None]:
    """Return what says which ticket a code is for; None where it is signed by nobody known."""
    with engine.connect() as connection:
        keys = {
            int(row.id): bytes(row.public_key)
            for row in connection.execute(text("SELECT id, public_key FROM ticket_keys"))
        }

    def ticket_of(code: str) -> str | None:
        try:
            return str(verify_ticket(code, keys).ticket_id)
        except (ForgedCode, UnknownKey):
            return None

    return ticket_of
