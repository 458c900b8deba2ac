ALTER TABLE orders ADD COLUMN extras json;
ALTER TABLE tenants ADD COLUMN organisation json;
ALTER TABLE events ADD COLUMN details json;
ALTER TABLE ticket_classes ADD COLUMN details json;
