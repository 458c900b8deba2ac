"""Wire formats: frozen models of requests, orders, outcomes, events and the catalogue. No I/O."""
