"""The tables. The migrations make them; a test holds that both say the same."""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    PrimaryKeyConstraint,
    Sequence,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    literal_column,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSON

metadata: Final = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
        "ck": "%(table_name)s_%(constraint_name)s_check",
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
    }
)

MAX_NUMBER: Final = 2**40 - 1
"""The last order number: a code of eight letters names 2^40 orders."""

order_numbers: Final = Sequence("order_numbers", metadata=metadata, maxvalue=MAX_NUMBER)


def _moment(name: str, *, nullable: bool = False) -> Column[object]:
    return Column(name, DateTime(timezone=True), nullable=nullable)


def _amount(name: str) -> Column[object]:
    return Column(name, Numeric, nullable=False)


def _in_range(*names: str) -> CheckConstraint:
    return CheckConstraint(" AND ".join(f"{name} >= 0 AND {name} < 1e18" for name in names), name="amounts")


tenants = Table(
    "tenants",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    _moment("created_at"),
    Column("issues_tickets", Text, nullable=False, server_default=text("'on_confirmation'")),
    Column("cancels_unpaid", Boolean, nullable=False, server_default=text("false")),
    Column("returns_promo_uses", Boolean, nullable=False, server_default=text("true")),
    Column("fraud_rules", JSON(none_as_null=True)),
    Column("organisation", JSON(none_as_null=True)),
    CheckConstraint("issues_tickets IN ('on_confirmation', 'on_payment')", name="issues_tickets"),
)

tenant_aliases = Table(
    "tenant_aliases",
    metadata,
    Column("dialect", Text, nullable=False),
    Column("alias", Text, nullable=False),
    Column("tenant_id", ForeignKey("tenants.id"), nullable=False),
    PrimaryKeyConstraint("dialect", "alias"),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("tenant_id", ForeignKey("tenants.id"), nullable=False),
    Column("key_hash", LargeBinary, nullable=False, unique=True),
    Column("scopes", ARRAY(Text), nullable=False),
    # What its holder signs requests with, where a dialect wants that: `db.sealing`.
    Column("sealed_secret", LargeBinary, nullable=False),
    _moment("created_at"),
    _moment("revoked_at", nullable=True),
    _moment("expires_at", nullable=True),
    # Written now and then: `intake.auth.last_uses`.
    _moment("last_used_at", nullable=True),
)

ticket_keys = Table(
    "ticket_keys",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("tenant_id", ForeignKey("tenants.id"), nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    Column("sealed_key", LargeBinary, nullable=False),  # the private key: `db.sealing`
    _moment("created_at"),
    CheckConstraint("id >= 0 AND id < 4294967296", name="fits_32_bits"),
)

tenant_secrets = Table(
    "tenant_secrets",
    metadata,
    Column("tenant_id", ForeignKey("tenants.id"), nullable=False),
    Column("purpose", Text, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    _moment("created_at"),
    PrimaryKeyConstraint("tenant_id", "purpose"),
)

events = Table(
    "events",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("tenant_id", ForeignKey("tenants.id"), nullable=False),
    Column("external_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    _moment("starts_at"),
    _moment("ends_at"),
    Column("timezone", Text, nullable=False),
    Column("currency", Text, nullable=False),
    _moment("on_sale_from", nullable=True),
    _moment("on_sale_until", nullable=True),
    Column("tax_name", Text),
    Column("tax_rate", Numeric),
    Column("tax_is_included", Boolean, nullable=False),
    Column("tax_rounding", Text, nullable=False),
    Column("details", JSON(none_as_null=True)),
    UniqueConstraint("tenant_id", "external_id"),
    CheckConstraint("tax_rounding IN ('line', 'sum_by_net', 'sum_by_net_keep_gross')", name="tax_rounding"),
)

ticket_classes = Table(
    "ticket_classes",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("tenant_id", ForeignKey("tenants.id"), nullable=False),
    Column("event_id", ForeignKey("events.id"), nullable=False),
    Column("external_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("section", Text),
    Column("row", Text),
    Column("price", Numeric, nullable=False),
    Column("has_seats", Boolean, nullable=False),
    Column("capacity", Integer, nullable=False),
    Column("sold", Integer, nullable=False, server_default=text("0")),
    Column("held", Integer, nullable=False, server_default=text("0")),
    Column("office", Text),
    Column("cost", Numeric),
    # No foreign key: the class is there before the order that bought it, in the same transaction.
    Column("bought_by_order_id", Uuid),
    Column("details", JSON(none_as_null=True)),
    UniqueConstraint("tenant_id", "external_id"),
    CheckConstraint("sold >= 0 AND held >= 0 AND sold + held <= capacity", name="never_oversold"),
    _in_range("price", "cost"),
)

seats = Table(
    "seats",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("ticket_class_id", ForeignKey("ticket_classes.id"), nullable=False),
    # NULL for a seat that is gone: it keeps its row, as cancelled tickets name it.
    Column("position", Integer),
    Column("label", Text, nullable=False),
    # By a ticket, or by the hold that is named.
    Column("is_taken", Boolean, nullable=False, server_default=text("false")),
    Column("hold_id", Uuid),
    UniqueConstraint("ticket_class_id", "position"),
    UniqueConstraint("ticket_class_id", "label"),
    CheckConstraint("position IS NOT NULL OR NOT is_taken", name="gone_seats_are_free"),
    Index(
        "seats_free",
        "ticket_class_id",
        "position",
        postgresql_where=text("NOT is_taken AND position IS NOT NULL"),
    ),
    Index("seats_held", "hold_id", postgresql_where=text("hold_id IS NOT NULL")),
)

promo_codes = Table(
    "promo_codes",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("event_id", ForeignKey("events.id"), nullable=False),
    Column("code", Text, nullable=False),
    # What two spellings of the code have in common: `schemas.catalogue.promo_code_key`.
    Column("key", Text, nullable=False),
    Column("percent", Numeric),
    Column("amount", Numeric),
    Column("max_uses", Integer),
    Column("used", Integer, nullable=False, server_default=text("0")),
    UniqueConstraint("event_id", "code"),
    Index(None, "key"),
    CheckConstraint("(percent IS NULL) <> (amount IS NULL)", name="one_kind"),
    CheckConstraint("used >= 0 AND used <= max_uses", name="never_overused"),
)

requests = Table(
    "requests",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("tenant_id", ForeignKey("tenants.id"), nullable=False),
    Column("idempotency_key", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("body_hash", LargeBinary, nullable=False),
    Column("status", Text, nullable=False),
    # No foreign key: the row is older than its order, and checking it late costs each order a tenth of
    # its time. The same transaction writes both, and reconciliation looks.
    Column("order_id", Uuid),
    Column("errors", JSON),
    _moment("processed_at"),
    Column("sent_by", Text),
    UniqueConstraint("tenant_id", "idempotency_key"),
    CheckConstraint("status IN ('processed', 'rejected')", name="status"),
    CheckConstraint(
        "CASE status WHEN 'processed' THEN order_id IS NOT NULL OR kind <> 'orders.create'"
        " ELSE order_id IS NULL END",
        name="has_outcome",
    ),
)

request_repeats = Table(
    "request_repeats",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("original_id", ForeignKey("requests.id"), nullable=False, index=True),
    Column("is_conflict", Boolean, nullable=False),
    _moment("created_at"),
)

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
    _amount("shipping"),
    _amount("service_fee"),
    _amount("additional_expense"),
    _amount("tax"),
    _amount("included_tax"),
    _amount("discount"),
    _amount("total"),
    _amount("paid"),
    _amount("refunded"),
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
    _moment("created_at"),
    _moment("updated_at"),
    # What the producer gave where the order's own column holds more; NULL where there is no difference.
    Column("given_tax", Numeric),
    Column("given_discount", Numeric),
    _moment("payment_due_at", nullable=True),
    _moment("cancelled_at", nullable=True),
    Column("cancel_reason", Text),
    # When nothing was owed for the first time: from then on it does not expire, whatever is owed later.
    _moment("paid_in_full_at", nullable=True),
    # `payment_due_at` while that matters. A column of its own: no index stands on what other changes write.
    _moment("expires_at", nullable=True),
    # What a dialect says and the canonical words do not, by the dialect's name.
    Column("extras", JSON(none_as_null=True)),
    _in_range(
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
    Index("orders_buyer_email", "tenant_id", text("lower(buyer_email)"), "id"),  # orders of a buyer
    # What changed since; costs next to nothing.
    Index(None, "updated_at", postgresql_using="brin", postgresql_with={"autosummarize": "on"}),
    Index(  # any part of a buyer's name or e-mail address
        "orders_search",
        # As PostgreSQL writes it.
        literal_column(
            "lower((((buyer_first_name || ' '::text) || buyer_last_name) || ' '::text) || buyer_email)"
        ).label("words"),
        postgresql_using="gin",
        postgresql_ops={"words": "gin_trgm_ops"},
        postgresql_with={"gin_pending_list_limit": 65536},
    ),
    # Orders of a customer, by the phone number or by what ACME's clients call the visitor.
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

# Only for orders that say between whom they are: most have no row here.
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
    # what replaces an order
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
    _amount("unit_price"),
    _amount("amount"),
    _amount("tax"),
    Column("rounding", Numeric, nullable=False),
    # The tax rule on which it was sold; NULL where there was none.
    Column("tax_rate", Numeric),
    Column("tax_is_included", Boolean),
    Column("tax_rounding", Text),
    PrimaryKeyConstraint("order_id", "line_number"),
    CheckConstraint("quantity >= 0", name="quantity"),
    # What sum-by-net spread to the line changes its amount only where the price includes the tax.
    CheckConstraint("amount - unit_price * quantity IN (0, rounding)", name="amount"),
    CheckConstraint(
        "(tax_rate IS NULL) = (tax_is_included IS NULL) AND (tax_rate IS NULL) = (tax_rounding IS NULL)",
        name="tax_rule",
    ),
    _in_range("unit_price", "amount", "tax"),
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
    _moment("created_at"),
    _moment("checked_in_at", nullable=True),
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
    _amount("amount"),
    _moment("created_at"),
    Column("is_refund", Boolean, nullable=False, server_default=text("false")),
    Column("reference", Text),
    PrimaryKeyConstraint("order_id", "payment_number"),
    _in_range("amount"),
    CheckConstraint("status IN ('pending', 'completed')", name="status"),
)

notes = Table(
    "notes",
    metadata,
    Column("order_id", ForeignKey("orders.id"), nullable=False),
    Column("note_number", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("text", Text, nullable=False),
    _moment("created_at"),
    Column("office", Text),
    PrimaryKeyConstraint("order_id", "note_number"),
    CheckConstraint("kind IN ('internal', 'external', 'instructions')", name="kind"),
)

# One row a change: what it was asked (`patch`), and which of the order's words it changed (`fields`).
order_changes = Table(
    "order_changes",
    metadata,
    Column("order_id", ForeignKey("orders.id"), nullable=False),
    Column("change_number", Integer, nullable=False),
    Column("request_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("changed_by", Text),
    _moment("changed_at"),
    Column("patch", JSON),
    Column("fields", JSON, nullable=False),
    # Which of the order's updates comes after which; NULL for what is no update of its terms.
    Column("place", Uuid),
    PrimaryKeyConstraint("order_id", "change_number"),
    Index("order_changes_places", "order_id", "place", postgresql_where=text("place IS NOT NULL")),
)

# The orders whose producers asked for the check, and what it said.
fraud_checks = Table(
    "fraud_checks",
    metadata,
    Column("order_id", ForeignKey("orders.id"), primary_key=True),
    Column("tenant_id", Uuid, nullable=False),
    Column("email", Text, nullable=False),
    Column("ip_address", Text),
    Column("verdict", Text, nullable=False),
    Column("reasons", JSON, nullable=False),
    _moment("checked_at"),
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
    _amount("unit_price"),
    _moment("expires_at", nullable=True),
    Column("status", Text, nullable=False),
    Column("order_id", Uuid),
    _moment("created_at"),
    _moment("updated_at"),
    CheckConstraint("quantity >= 1", name="quantity"),
    _in_range("unit_price"),
    CheckConstraint("status IN ('held', 'used', 'released', 'expired')", name="status"),
    Index("holds_running", "ticket_class_id", "expires_at", postgresql_where=text("status = 'held'")),
    Index(None, "tenant_id", "id"),  # pages of a tenant's holds
)

event_messages = Table(
    "event_messages",
    metadata,
    Column("subject", Uuid, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("tenant_id", Uuid, nullable=False),
    Column("type", Text, nullable=False),
    Column("data", JSON, nullable=False),
    _moment("created_at"),
    PrimaryKeyConstraint("subject", "sequence"),
)

# Which event messages are not sent yet. A table of its own: deleting a narrow row costs a fraction of
# updating one that holds a whole order.
outbox = Table(
    "outbox",
    metadata,
    Column("subject", Uuid, nullable=False),
    Column("sequence", Integer, nullable=False),
    _moment("created_at"),
    # Of the data, so that a relay takes no more than it can hold. Who inserts a row by hand need not know it.
    Column("bytes", Integer, nullable=False, server_default=text("1048576")),
    PrimaryKeyConstraint("subject", "sequence"),
)

# Up to which of its event messages a subject is told of: what is neither here nor in the outbox was lost.
sent_marks = Table(
    "sent_marks",
    metadata,
    Column("subject", Uuid, primary_key=True),
    Column("sequence", Integer, nullable=False),
)

delayed_requests = Table(
    "delayed_requests",
    metadata,
    Column("request_id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("request", LargeBinary, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("last_error", Text, nullable=False),
    _moment("next_attempt_at"),
    _moment("waits_since", nullable=True),  # for the order that it names
    Column("tenant", Text, nullable=False, server_default=""),
    # What a request of the tenant has to do first: `orders.recovery.parked_requests`.
    Column("waits_for", Text),
    Index("delayed_requests_new", "tenant", "next_attempt_at", postgresql_where=text("attempts = 0")),
    Index("delayed_requests_tried", "tenant", "next_attempt_at", postgresql_where=text("attempts > 0")),
    Index(None, "tenant", "waits_for", postgresql_where=text("waits_for IS NOT NULL")),
)

suspects = Table(
    "suspects",
    metadata,
    Column("message_id", Text, primary_key=True),
    Column("attempts", Integer, nullable=False),
    _moment("last_attempt_at"),
)

dead_letters = Table(
    "dead_letters",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("request_id", Uuid),
    Column("tenant", Text),
    Column("kind", Text, nullable=False),
    Column("message", LargeBinary, nullable=False),
    Column("reason", Text, nullable=False),
    Column("details", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    _moment("created_at"),
    Index(None, "request_id"),
)

discrepancies = Table(
    "discrepancies",
    metadata,
    Column("rule", Text, nullable=False),
    Column("subject", Uuid, nullable=False),
    Column("tenant_id", ForeignKey("tenants.id"), nullable=False),
    Column("detail", Text, nullable=False),
    _moment("found_at"),
    _moment("last_seen_at"),
    PrimaryKeyConstraint("rule", "subject"),
)

ticks = Table(
    "ticks",
    metadata,
    Column("task", Text, nullable=False),
    Column("tick", BigInteger, nullable=False),
    _moment("claimed_at"),
    PrimaryKeyConstraint("task", "tick"),
)

documents = Table(
    "documents",
    metadata,
    # No foreign keys: their locks on orders and tenants would wait for a batch, and a batch for them.
    Column("order_id", Uuid, primary_key=True),
    Column("tenant_id", Uuid, nullable=False),
    Column("tickets", Integer, nullable=False),
    _moment("asked_at"),
    Column("tries", Integer, nullable=False, server_default=text("0")),
    _moment("made_at", nullable=True),  # NULL while it waits to be made
    Column("version", Text),  # of what it shows; NULL where it could not be made
    Column("content", LargeBinary),
    Index(None, "tenant_id", "made_at"),
    Index("documents_waiting", "tenant_id", "asked_at", postgresql_where=text("made_at IS NULL")),
)
