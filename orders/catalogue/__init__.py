"""What a tenant sells: events, ticket classes, promo codes, signing keys."""
