"""The runtime of every process: settings, logs, metrics, secrets, and the embedded servers."""
