"""The tables of orders, with their lines, tickets, payments, notes and changes, and of holds."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    Numeric,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    literal_column,
    text,
)
from sqlalchemy.dialects.postgresql import JSON

from db.tables.columns import amount, in_range, metadata, moment

orders = Table(
    "orders",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("number", BigInteger, nullable=False, unique=True),
    Column("code", Text, nullable=False),
    Column("tenant_id", ForeignKey("tenants.id"), nullable=False),
    Column("idempotency_key", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("payment_status", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("last_sequence", Integer, nullable=False),
    Column("currency", Text, nullable=False),
    Column("subtotal", Numeric, nullable=False),
    amount("shipping"),
    amount("service_fee"),
    amount("additional_expense"),
    amount("tax"),
    amount("included_tax"),
    amount("discount"),
    amount("total"),
    amount("paid"),
    amount("refunded"),
    Column("event_id", Text),
    Column("buyer_first_name", Text, nullable=False),
    Column("buyer_last_name", Text, nullable=False),
    Column("buyer_email", Text, nullable=False),
    Column("buyer_company", Text),
    Column("buyer_phone", Text),
    Column("billing_address", JSON),
    Column("promo_code", Text),
    # The promo code as it was when the order used it: `orders.money.promo_terms`.
    Column("promo_terms", JSON),
    Column("reference", Text),
    moment("created_at"),
    moment("updated_at"),
    # The producer's value, if the order's own column holds more; NULL if there is no difference.
    Column("given_tax", Numeric),
    Column("given_discount", Numeric),
    moment("payment_due_at", nullable=True),
    moment("cancelled_at", nullable=True),
    Column("cancel_reason", Text),
    # When it was first paid in full: from then on it does not expire, whatever is owed later.
    moment("paid_in_full_at", nullable=True),
    # `payment_due_at` while the order may expire. Its own column, as its index must not slow other changes.
    moment("expires_at", nullable=True),
    # Fields of a dialect that the canonical body lacks, by the dialect's name.
    Column("extras", JSON(none_as_null=True)),
    in_range(
        "subtotal",
        "shipping",
        "service_fee",
        "additional_expense",
        "tax",
        "included_tax",
        "discount",
        "total",
        "paid",
        "refunded",
    ),
    CheckConstraint(
        "total = subtotal + shipping + service_fee + additional_expense + tax - discount",
        name="total",
    ),
    CheckConstraint("status IN ('placed', 'cancelled', 'refunded')", name="status"),
    CheckConstraint(
        "payment_status IN ('unpaid', 'partially_paid', 'paid', 'refunded')", name="payment_status"
    ),
    Index(None, "tenant_id", "id"),  # pages of a tenant's orders
    Index("orders_reference", "tenant_id", "reference", "id", postgresql_where=text("reference IS NOT NULL")),
    Index("orders_buyer_email", "tenant_id", text("lower(buyer_email)"), "id"),  # orders of a buyer
    # Orders changed since a time; this index costs next to nothing.
    Index(None, "updated_at", postgresql_using="brin", postgresql_with={"autosummarize": "on"}),
    Index(  # any part of a buyer's name or e-mail address
        "orders_search",
        # In PostgreSQL's own notation.
        literal_column(
            "lower((((buyer_first_name || ' '::text) || buyer_last_name) || ' '::text) || buyer_email)"
        ).label("words"),
        postgresql_using="gin",
        postgresql_ops={"words": "gin_trgm_ops"},
        postgresql_with={"gin_pending_list_limit": 65536},
    ),
    # Orders of a customer, by phone number or by ACME's visitor ids.
    Index(
        "orders_buyer_phone",
        "tenant_id",
        "buyer_phone",
        "id",
        postgresql_where=text("buyer_phone IS NOT NULL"),
    ),
    Index(
        "orders_acme_visitor",
        "tenant_id",
        text("(extras #>> '{acme,visitorId}')"),
        "id",
        postgresql_where=text("(extras #>> '{acme,visitorId}') IS NOT NULL"),
    ),
    Index(
        "orders_acme_temp_visitor",
        "tenant_id",
        text("(extras #>> '{acme,tempVisitorId}')"),
        "id",
        postgresql_where=text("(extras #>> '{acme,tempVisitorId}') IS NOT NULL"),
    ),
    Index("orders_expiring", "expires_at", postgresql_where=text("expires_at IS NOT NULL")),
)

# The parties of an order that names them; most orders have no row here.
order_trades = Table(
    "order_trades",
    metadata,
    Column("order_id", ForeignKey("orders.id"), primary_key=True),
    Column("is_purchase", Boolean, nullable=False),
    Column("consignment", Boolean, nullable=False),
    Column("seller_id", Text),
    Column("buyer_id", Text),
    Column("client_id", Text),
    Column("created_by_ip_address", Text),
    Column("order_group_id", Uuid),
    Column("substitutes_id", ForeignKey("orders.id")),
    Column("counterpart_id", ForeignKey("orders.id")),
    # the orders that replace an order
    Index("order_trades_substitutes", "substitutes_id", postgresql_where=text("substitutes_id IS NOT NULL")),
)

order_lines = Table(
    "order_lines",
    metadata,
    Column("order_id", ForeignKey("orders.id"), nullable=False),
    Column("line_number", Integer, nullable=False),
    Column("event_id", Uuid, nullable=False),
    Column("ticket_class_id", ForeignKey("ticket_classes.id"), nullable=False),
    Column("quantity", Integer, nullable=False),
    amount("unit_price"),
    amount("amount"),
    amount("tax"),
    Column("rounding", Numeric, nullable=False),
    # The tax rule under which it was sold; NULL if there was none.
    Column("tax_rate", Numeric),
    Column("tax_is_included", Boolean),
    Column("tax_rounding", Text),
    PrimaryKeyConstraint("order_id", "line_number"),
    CheckConstraint("quantity >= 0", name="quantity"),
    # The rounding that sum-by-net spreads to the line changes its amount only if the price includes the tax.
    CheckConstraint("amount - unit_price * quantity IN (0, rounding)", name="amount"),
    CheckConstraint(
        "(tax_rate IS NULL) = (tax_is_included IS NULL) AND (tax_rate IS NULL) = (tax_rounding IS NULL)",
        name="tax_rule",
    ),
    in_range("unit_price", "amount", "tax"),
    Index(None, "event_id", "order_id"),  # orders of an event
)

tickets = Table(
    "tickets",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("order_id", Uuid, nullable=False),
    Column("line_number", Integer, nullable=False),
    Column("ticket_class_id", Uuid, nullable=False),
    Column("seat_id", ForeignKey("seats.id")),
    Column("attendee_first_name", Text),
    Column("attendee_last_name", Text),
    Column("attendee_email", Text),
    Column("status", Text, nullable=False),
    Column("code", Text),  # NULL until it is issued
    moment("created_at"),
    moment("checked_in_at", nullable=True),
    Column("check_in_nonce", Text),
    ForeignKeyConstraint(["order_id", "line_number"], ["order_lines.order_id", "order_lines.line_number"]),
    CheckConstraint("status IN ('valid', 'checked_in', 'voided')", name="status"),
    Index(None, "order_id"),  # an order with its tickets
    Index(  # tickets that wait for their payment
        "tickets_unissued", "order_id", postgresql_where=text("code IS NULL AND status <> 'voided'")
    ),
    Index(
        "tickets_one_valid_ticket_a_seat",
        "seat_id",
        unique=True,
        postgresql_where=text("seat_id IS NOT NULL AND status <> 'voided'"),
    ),
)

payments = Table(
    "payments",
    metadata,
    Column("order_id", ForeignKey("orders.id"), nullable=False),
    Column("payment_number", Integer, nullable=False),
    Column("type", Text, nullable=False),
    Column("status", Text, nullable=False),
    amount("amount"),
    moment("created_at"),
    Column("is_refund", Boolean, nullable=False, server_default=text("false")),
    Column("reference", Text),
    PrimaryKeyConstraint("order_id", "payment_number"),
    in_range("amount"),
    CheckConstraint("status IN ('pending', 'completed')", name="status"),
)

notes = Table(
    "notes",
    metadata,
    Column("order_id", ForeignKey("orders.id"), nullable=False),
    Column("note_number", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("text", Text, nullable=False),
    moment("created_at"),
    Column("office", Text),
    PrimaryKeyConstraint("order_id", "note_number"),
    CheckConstraint("kind IN ('internal', 'external', 'instructions')", name="kind"),
)

# One row for each change: the requested patch (`patch`), and the changed fields of the order (`fields`).
order_changes = Table(
    "order_changes",
    metadata,
    Column("order_id", ForeignKey("orders.id"), nullable=False),
    Column("change_number", Integer, nullable=False),
    Column("request_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("changed_by", Text),
    moment("changed_at"),
    Column("patch", JSON),
    Column("fields", JSON, nullable=False),
    # The place among the order's updates (`orders.changing.place`); NULL for other changes.
    Column("place", Uuid),
    PrimaryKeyConstraint("order_id", "change_number"),
    Index("order_changes_places", "order_id", "place", postgresql_where=text("place IS NOT NULL")),
)

# The results of fraud checks, of orders whose producers requested them.
fraud_checks = Table(
    "fraud_checks",
    metadata,
    Column("order_id", ForeignKey("orders.id"), primary_key=True),
    Column("tenant_id", Uuid, nullable=False),
    Column("email", Text, nullable=False),
    Column("ip_address", Text),
    Column("verdict", Text, nullable=False),
    Column("reasons", JSON, nullable=False),
    moment("checked_at"),
    CheckConstraint("verdict IN ('passed', 'review')", name="verdict"),
    Index(None, "tenant_id", "email", "checked_at"),
    Index(None, "tenant_id", "ip_address", "checked_at"),
)

holds = Table(
    "holds",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("tenant_id", ForeignKey("tenants.id"), nullable=False),
    Column("ticket_class_id", ForeignKey("ticket_classes.id"), nullable=False),
    Column("quantity", Integer, nullable=False),
    amount("unit_price"),
    moment("expires_at", nullable=True),
    Column("status", Text, nullable=False),
    Column("order_id", Uuid),
    moment("created_at"),
    moment("updated_at"),
    CheckConstraint("quantity >= 1", name="quantity"),
    in_range("unit_price"),
    CheckConstraint("status IN ('held', 'used', 'released', 'expired')", name="status"),
    Index("holds_running", "ticket_class_id", "expires_at", postgresql_where=text("status = 'held'")),
    Index(None, "tenant_id", "id"),  # pages of a tenant's holds
)
