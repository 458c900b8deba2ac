"""What the dialect needs of links: somebody else makes the documents that they lead to."""

from typing import Literal, Protocol
from uuid import UUID


class Links(Protocol):
    """Makes absolute URLs that whoever reads an answer can open."""

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
    """Makes no links: there is nowhere for them to lead to."""

    def order_pdf(self, order_id: UUID) -> str:
        """Return nothing."""
        return ""

    def ticket_image(self, ticket_id: UUID, kind: Literal["png", "svg"] = "png") -> str:
        """Return nothing."""
        return ""

    def digital_pass(self, ticket_id: UUID) -> str:
        """Return nothing."""
        return ""
