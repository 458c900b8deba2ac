-- What replaces an order is shown with it, and looked for by it; hardly any order has such a row.
CREATE INDEX order_trades_substitutes ON order_trades (substitutes_id) WHERE substitutes_id IS NOT NULL;
