-- The office that owns a ticket class, what a purchase costs a ticket (NULL: the price), and by which order
-- the inventory was bought.
ALTER TABLE ticket_classes
    ADD COLUMN office text,
    ADD COLUMN cost numeric,
    ADD COLUMN bought_by_order_id uuid,
    DROP CONSTRAINT ticket_classes_amounts_check,
    ADD CONSTRAINT ticket_classes_amounts_check
        CHECK (price >= 0 AND price < 1e18 AND cost >= 0 AND cost < 1e18);

-- Only for orders that say between whom they are: most have no row here.
CREATE TABLE order_trades (
    order_id uuid NOT NULL,
    is_purchase boolean NOT NULL,
    consignment boolean NOT NULL,
    seller_id text,
    buyer_id text,
    client_id text,
    created_by_ip_address text,
    order_group_id uuid,
    substitutes_id uuid,
    counterpart_id uuid,
    PRIMARY KEY (order_id),
    FOREIGN KEY (order_id) REFERENCES orders (id),
    FOREIGN KEY (substitutes_id) REFERENCES orders (id),
    FOREIGN KEY (counterpart_id) REFERENCES orders (id)
);
