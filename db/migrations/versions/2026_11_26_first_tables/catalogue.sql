-- Who sells what: tenants, their keys, and the catalogue.

-- A tenant, and how it wants its orders treated.
CREATE TABLE tenants (
    id uuid NOT NULL,
    name text NOT NULL,
    created_at timestamptz NOT NULL,
    issues_tickets text DEFAULT 'on_confirmation' NOT NULL,
    cancels_unpaid boolean DEFAULT false NOT NULL,
    returns_promo_uses boolean DEFAULT true NOT NULL,
    fraud_rules json,
    organisation json,
    PRIMARY KEY (id),
    UNIQUE (name),
    CONSTRAINT tenants_issues_tickets_check CHECK (issues_tickets IN ('on_confirmation', 'on_payment'))
);

-- What a dialect calls a tenant.
CREATE TABLE tenant_aliases (
    dialect text NOT NULL,
    alias text NOT NULL,
    tenant_id uuid NOT NULL,
    PRIMARY KEY (dialect, alias),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id)
);

-- Of a key only its hash is kept, and sealed what its holder signs requests with.
CREATE TABLE api_keys (
    id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    key_hash bytea NOT NULL,
    scopes text[] NOT NULL,
    sealed_secret bytea NOT NULL,
    created_at timestamptz NOT NULL,
    revoked_at timestamptz,
    expires_at timestamptz,
    last_used_at timestamptz,
    PRIMARY KEY (id),
    UNIQUE (key_hash),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id)
);

-- What ticket codes are signed with. A code names its key in 32 bits.
CREATE TABLE ticket_keys (
    id bigint NOT NULL,
    tenant_id uuid NOT NULL,
    public_key bytea NOT NULL,
    sealed_key bytea NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (id),
    CONSTRAINT ticket_keys_fits_32_bits_check CHECK (id >= 0 AND id < 4294967296),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id)
);

-- A sealed secret for each purpose: links, access tokens, ticket groups.
CREATE TABLE tenant_secrets (
    tenant_id uuid NOT NULL,
    purpose text NOT NULL,
    sealed bytea NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, purpose),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id)
);

-- An event is on sale at once and until its end, where nothing else is said.
CREATE TABLE events (
    id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    external_id text NOT NULL,
    name text NOT NULL,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    timezone text NOT NULL,
    currency text NOT NULL,
    on_sale_from timestamptz,
    on_sale_until timestamptz,
    tax_name text,
    tax_rate numeric,
    tax_is_included boolean NOT NULL,
    tax_rounding text NOT NULL,
    details json,
    PRIMARY KEY (id),
    UNIQUE (tenant_id, external_id),
    CONSTRAINT events_tax_rounding_check CHECK (tax_rounding IN ('line', 'sum_by_net', 'sum_by_net_keep_gross')),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id)
);

-- The office owns the class, the cost is that of a ticket (NULL: the price), and the order has bought it: no
-- foreign key, as the class is there before its order, in the same transaction.
-- Half of each page of a hot row's table is left free: counters are updated in place.
CREATE TABLE ticket_classes (
    id uuid NOT NULL,
    tenant_id uuid NOT NULL,
    event_id uuid NOT NULL,
    external_id text NOT NULL,
    name text NOT NULL,
    section text,
    row text,
    price numeric NOT NULL,
    has_seats boolean NOT NULL,
    capacity integer NOT NULL,
    sold integer DEFAULT 0 NOT NULL,
    held integer DEFAULT 0 NOT NULL,
    office text,
    cost numeric,
    bought_by_order_id uuid,
    details json,
    PRIMARY KEY (id),
    UNIQUE (tenant_id, external_id),
    CONSTRAINT ticket_classes_never_oversold_check CHECK (sold >= 0 AND held >= 0 AND sold + held <= capacity),
    CONSTRAINT ticket_classes_amounts_check CHECK (price >= 0 AND price < 1e18 AND cost >= 0 AND cost < 1e18),
    FOREIGN KEY (tenant_id) REFERENCES tenants (id),
    FOREIGN KEY (event_id) REFERENCES events (id)
) WITH (fillfactor = 50);

-- A seat is taken by a ticket, or by the hold that is named. One without a position is gone: nobody can buy it, and
-- its row stays, as cancelled tickets name it.
CREATE TABLE seats (
    id uuid NOT NULL,
    ticket_class_id uuid NOT NULL,
    position integer,
    label text NOT NULL,
    is_taken boolean DEFAULT false NOT NULL,
    hold_id uuid,
    PRIMARY KEY (id),
    UNIQUE (ticket_class_id, position),
    UNIQUE (ticket_class_id, label),
    CONSTRAINT seats_gone_seats_are_free_check CHECK (position IS NOT NULL OR NOT is_taken),
    FOREIGN KEY (ticket_class_id) REFERENCES ticket_classes (id)
);
CREATE INDEX seats_free ON seats (ticket_class_id, position) WHERE NOT is_taken AND position IS NOT NULL;
CREATE INDEX seats_held ON seats (hold_id) WHERE hold_id IS NOT NULL;

-- The key is what all spellings of a code have in common.
CREATE TABLE promo_codes (
    id uuid NOT NULL,
    event_id uuid NOT NULL,
    code text NOT NULL,
    key text NOT NULL,
    percent numeric,
    amount numeric,
    max_uses integer,
    used integer DEFAULT 0 NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (event_id, code),
    CONSTRAINT promo_codes_one_kind_check CHECK ((percent IS NULL) <> (amount IS NULL)),
    CONSTRAINT promo_codes_never_overused_check CHECK (used >= 0 AND used <= max_uses),
    FOREIGN KEY (event_id) REFERENCES events (id)
) WITH (fillfactor = 50);
CREATE INDEX promo_codes_key_idx ON promo_codes (key);
