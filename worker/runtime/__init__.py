"""What every process needs: settings, logs, metrics, secrets, and the embedded servers."""
