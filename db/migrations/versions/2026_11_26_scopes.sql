-- What one scope allowed is now several. Order matters nowhere; `willcall keys list` shows them sorted.
UPDATE api_keys SET scopes = COALESCE((
    SELECT array_agg(DISTINCT scope ORDER BY scope) FROM (
        SELECT unnest(scopes)
        UNION ALL SELECT 'holds' WHERE 'orders.create' = ANY(scopes)
        UNION ALL SELECT unnest(ARRAY['payments.record', 'tickets.check_in']) WHERE 'orders.update' = ANY(scopes)
        UNION ALL SELECT 'catalogue.read' WHERE 'orders.read' = ANY(scopes)
    ) AS one (scope)
), '{}');
