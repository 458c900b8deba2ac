"""From a call to requests on the queue, and back to the outcomes that callers wait for."""
