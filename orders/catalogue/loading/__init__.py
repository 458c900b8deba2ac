"""Loading a catalogue file beside running sales: idempotent, never below what is sold.

`compare` says what differs, without a lock; `apply` writes it in short transactions.
"""

from orders.catalogue.loading.conflicts import CatalogueConflict
from orders.catalogue.loading.load import Loaded, Tell, check_catalogue, load_catalogue
from orders.catalogue.loading.tenant import add_ticket_key

__all__ = ["CatalogueConflict", "Loaded", "Tell", "add_ticket_key", "check_catalogue", "load_catalogue"]
