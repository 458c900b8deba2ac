"""The schema as it was at older versions: what takes a database back, to be migrated again."""

from sqlalchemy import Engine, text

from db.migrate import upgrade
from db.sealing import unseal

BEFORE_KEY_USES = """
    ALTER TABLE api_keys DROP COLUMN expires_at, DROP COLUMN last_used_at;
    UPDATE alembic_version SET version_num = '2026_11_26_documents';
"""
"""The schema as it was before keys could expire; the rows stay."""

BEFORE_DOCUMENTS = f"""
    {BEFORE_KEY_USES}
    DROP TABLE documents;
    UPDATE alembic_version SET version_num = '2026_11_26_sealed_secrets';
"""
"""The schema as it was before documents were kept; the rows stay."""

BEFORE_SEALING = f"""
    {BEFORE_DOCUMENTS}
    DROP TABLE tenant_secrets;
    ALTER TABLE api_keys DROP COLUMN sealed_secret;
    ALTER TABLE ticket_keys DROP COLUMN sealed_key, ADD COLUMN private_key bytea;
    UPDATE alembic_version SET version_num = '2026_11_26_scopes';
"""
"""The schema as it was before secrets were sealed; the rows stay."""

BEFORE_SCOPES = f"""
    {BEFORE_SEALING}
    UPDATE alembic_version SET version_num = '2026_11_26_waiting';
"""
"""The schema as it was before scopes were as narrow as jobs; the rows stay."""

BEFORE_SHARES = f"""
    {BEFORE_SCOPES}
    DROP INDEX delayed_requests_new, delayed_requests_tried, delayed_requests_tenant_waits_for_idx,
        request_repeats_original_id_idx;
    ALTER TABLE delayed_requests DROP COLUMN tenant, DROP COLUMN waits_for;
    CREATE INDEX delayed_requests_next_attempt_at_idx ON delayed_requests (next_attempt_at);
    UPDATE alembic_version SET version_num = '2026_11_26_event_sizes';
"""
"""The schema as it was before each tenant had its share of what is tried again; the rows stay."""

BEFORE_MARKS = f"""
    {BEFORE_SHARES}
    ALTER TABLE outbox DROP COLUMN bytes;
    ALTER TABLE seats DROP CONSTRAINT seats_gone_seats_are_free_check;
    DROP TABLE sent_marks;
    UPDATE alembic_version SET version_num = '2026_11_25_money';
"""
"""The schema as it was before what was sent was marked; the rows stay."""

BEFORE_MONEY = f"""
    {BEFORE_MARKS}
    DROP INDEX orders_buyer_email;
    CREATE INDEX orders_tenant_id_buyer_email_id_idx ON orders (tenant_id, buyer_email, id);
    ALTER TABLE tenants DROP COLUMN returns_promo_uses;
    UPDATE orders SET promo_terms = promo_terms -> 0 WHERE promo_terms IS NOT NULL;
    ALTER TABLE promo_codes DROP COLUMN key;
    ALTER TABLE events DROP CONSTRAINT events_tax_rounding_check, DROP COLUMN on_sale_from,
        DROP COLUMN on_sale_until;
    ALTER TABLE events ADD CONSTRAINT events_tax_rounding_check
        CHECK (tax_rounding IN ('line', 'sum_by_net'));
    UPDATE alembic_version SET version_num = '2026_11_25_terms';
"""
"""The schema as it was before promo codes worked in any spelling; the rows stay."""

BEFORE_TERMS = f"""
    {BEFORE_MONEY}
    DROP INDEX order_changes_places, tickets_unissued, orders_expiring;
    ALTER TABLE order_changes DROP COLUMN place;
    ALTER TABLE orders DROP COLUMN expires_at, DROP COLUMN paid_in_full_at, DROP COLUMN promo_terms;
    ALTER TABLE order_lines DROP CONSTRAINT order_lines_tax_rule_check, DROP COLUMN tax_rate,
        DROP COLUMN tax_is_included, DROP COLUMN tax_rounding;
    CREATE INDEX orders_payment_due ON orders (payment_due_at) WHERE payment_due_at IS NOT NULL;
    UPDATE alembic_version SET version_num = '2026_11_22_substitutes';
"""
"""The schema as it was before orders kept the terms that they were sold on."""


def go_back(engine: Engine, back: str) -> None:
    """Go back to an older schema, in which the private keys of tickets are plain."""
    with engine.begin() as connection:
        sealed = connection.execute(text("SELECT id, sealed_key FROM ticket_keys")).all()
        connection.execute(text(back))
        for id_, key in sealed:
            plain = {"id": id_, "key": unseal(bytes(key), "ticket_keys", id_)}
            connection.execute(text("UPDATE ticket_keys SET private_key = :key WHERE id = :id"), plain)


def migrate_again(engine: Engine, back: str) -> None:
    """Go back to an older schema, and forward again."""
    go_back(engine, back)
    upgrade(engine)
