"""The operator's page: what happens now, and why; for holders of a key with the scope `admin`."""
