"""Loading a catalogue file during sales: idempotent, and never below the sold tickets.

`compare` returns the differences, without locks; `apply` writes them in short transactions.
"""

from orders.catalogue.loading.conflicts import CatalogueConflict
from orders.catalogue.loading.load import Loaded, Progress, check_catalogue, load_catalogue
from orders.catalogue.loading.tenant import add_ticket_key

__all__ = ["CatalogueConflict", "Loaded", "Progress", "add_ticket_key", "check_catalogue", "load_catalogue"]
