"""Zoho Backstage's paths: `/backstage/v3/portals/…`."""
