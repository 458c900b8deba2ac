"""The operator's page: current activity and failures, for holders of a key with the scope `admin`."""
