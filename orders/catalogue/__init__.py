"""The catalogue of a tenant: events, ticket classes, promo codes, signing keys."""
