"""Fields that ACME documents for related objects: stored with the order, and otherwise ignored.

ACME's own clients send them. They belong to the orders of its API v2 and of its organisation checkout, and
change neither money nor tickets.
"""

from typing import Final

NEIGHBOURS_OF_ORDER: Final = frozenset(
    {
        "address1",
        "address2",
        "billingAddress1",
        "billingAddress2",
        "billingCity",
        "billingCountry",
        "billingEmail",
        "billingFirstName",
        "billingLastName",
        "billingPhoneNumber",
        "billingState",
        "billingZipCode",
        "city",
        "country",
        "creationDate",
        "customerId",
        "invoiceAfter",
        "noEmail",
        "obfuscated",
        "organizationId",
        "organizationName",
        "sendEmailToAll",
        "state",
        "terminalId",
    }
)
"""Related fields of the order object."""

NEIGHBOURS_OF_ITEM: Final = frozenset({"conversionStatus", "displayName", "itemTypeName"})
"""Related fields of `orderItems[x]`."""
