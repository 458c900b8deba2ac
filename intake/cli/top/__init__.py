"""What `willcall top` shows: what is asked of the servers, and the picture of it."""
