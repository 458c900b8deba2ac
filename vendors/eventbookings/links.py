"""The links that the dialect needs; the intake serves the documents."""

from typing import Literal, Protocol
from uuid import UUID


class Links(Protocol):
    """Creates absolute URLs that the client can open."""

    def order_pdf(self, order_id: UUID) -> str:
        """Return the URL of the order as a PDF."""
        ...

    def ticket_image(self, ticket_id: UUID, kind: Literal["png", "svg"] = "png") -> str:
        """Return the URL of the ticket's QR code."""
        ...

    def digital_pass(self, ticket_id: UUID) -> str:
        """Return the URL of the ticket as a page for a phone."""
        ...


class NoLinks:
    """Creates no links, for orders rendered without an intake."""

    def order_pdf(self, order_id: UUID) -> str:
        """Return nothing."""
        return ""

    def ticket_image(self, ticket_id: UUID, kind: Literal["png", "svg"] = "png") -> str:
        """Return nothing."""
        return ""

    def digital_pass(self, ticket_id: UUID) -> str:
        """Return nothing."""
        return ""
