"""The tables of tenants, their keys, and the catalogue."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Numeric,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSON

from db.tables.columns import in_range, metadata, moment

tenants = Table(
    "tenants",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    moment("created_at"),
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
    # The secret that signs requests, in dialects that require it: `db.sealing`.
    Column("sealed_secret", LargeBinary, nullable=False),
    moment("created_at"),
    moment("revoked_at", nullable=True),
    moment("expires_at", nullable=True),
    # Written at most once per minute: `intake.auth.last_uses`.
    moment("last_used_at", nullable=True),
)

ticket_keys = Table(
    "ticket_keys",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("tenant_id", ForeignKey("tenants.id"), nullable=False),
    Column("public_key", LargeBinary, nullable=False),
    Column("sealed_key", LargeBinary, nullable=False),  # the private key: `db.sealing`
    moment("created_at"),
    CheckConstraint("id >= 0 AND id < 4294967296", name="fits_32_bits"),
)

tenant_secrets = Table(
    "tenant_secrets",
    metadata,
    Column("tenant_id", ForeignKey("tenants.id"), nullable=False),
    Column("purpose", Text, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    moment("created_at"),
    PrimaryKeyConstraint("tenant_id", "purpose"),
)

events = Table(
    "events",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("tenant_id", ForeignKey("tenants.id"), nullable=False),
    Column("external_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    moment("starts_at"),
    moment("ends_at"),
    Column("timezone", Text, nullable=False),
    Column("currency", Text, nullable=False),
    moment("on_sale_from", nullable=True),
    moment("on_sale_until", nullable=True),
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
    # No foreign key: the class is inserted before the order that bought it, in the same transaction.
    Column("bought_by_order_id", Uuid),
    Column("details", JSON(none_as_null=True)),
    UniqueConstraint("tenant_id", "external_id"),
    CheckConstraint("sold >= 0 AND held >= 0 AND sold + held <= capacity", name="never_oversold"),
    in_range("price", "cost"),
)

seats = Table(
    "seats",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("ticket_class_id", ForeignKey("ticket_classes.id"), nullable=False),
    # NULL for a removed seat: it keeps its row, as cancelled tickets refer to it.
    Column("position", Integer),
    Column("label", Text, nullable=False),
    # By a ticket, or by the hold in `hold_id`.
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
    # The same for all spellings of the code: `schemas.catalogue.promo_code_key`.
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
