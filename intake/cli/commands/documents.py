"""`willcall orders pdf`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from intake.cli.commands.order_changes import OrderArgument, find_order
from intake.cli.failures import CommandFailed
from intake.cli.output import print_line

if TYPE_CHECKING:
    from intake.documents.read_facts import OrderDocument

OutputOption = Annotated[
    Path | None,
    typer.Option(
        "--output", "-o", metavar="FILE", help="The file to write; - is standard output. [order-CODE.pdf]"
    ),
]


def add_to(app: typer.Typer) -> None:
    """Add the command to the group `orders`."""
    app.command(epilog="Example: willcall orders pdf 12 -o order.pdf")(pdf)


def pdf(order: OrderArgument, output: OutputOption = None) -> None:
    """Write an order as a PDF: a summary, then one page per ticket."""
    from intake.documents.drawing.pdf import pdf_of

    document = _read(order)
    content = pdf_of(document.text, document.zones)
    if output == Path("-"):
        sys.stdout.buffer.write(content)
        return
    file = output or Path(f"order-{document.text.code}.pdf")
    try:
        file.write_bytes(content)
    except OSError as error:
        raise CommandFailed(f"{file} cannot be written: {error.strerror}") from error
    print_line(f"Wrote {file}.")


def _read(order: str) -> "OrderDocument":
    from sqlalchemy import select

    from db.tables import orders
    from intake.cli.processes.servers import transaction
    from intake.documents.read_facts import read_order_document

    with transaction() as connection:
        id_ = find_order(connection, order)
        tenant_id = connection.scalar(select(orders.c.tenant_id).where(orders.c.id == id_))
        document = read_order_document(connection, tenant_id, id_) if id_ and tenant_id else None
    if document is None:
        raise CommandFailed(f"there is no order {order}")
    return document
