"""Fields that ACME documents beside the order object of this call: kept with the order, and not looked at.

They are those of the order of its API v2 and of its checkout of an organisation that change neither money nor
tickets, which ACME's own clients send as well.
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
"""Beside the order's own fields."""

NEIGHBOURS_OF_ITEM: Final = frozenset({"conversionStatus", "displayName", "itemTypeName"})
"""Beside those of `orderItems[x]`."""
