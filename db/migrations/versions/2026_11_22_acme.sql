-- Partial: an order that says nothing of this costs nothing here.
CREATE INDEX orders_buyer_phone ON orders (tenant_id, buyer_phone, id) WHERE buyer_phone IS NOT NULL;

CREATE INDEX orders_acme_visitor ON orders (tenant_id, (extras #>> '{acme,visitorId}'), id)
WHERE (extras #>> '{acme,visitorId}') IS NOT NULL;

CREATE INDEX orders_acme_temp_visitor ON orders (tenant_id, (extras #>> '{acme,tempVisitorId}'), id)
WHERE (extras #>> '{acme,tempVisitorId}') IS NOT NULL;
