"""The sample catalogue and requests of `willcall demo`, and how they are played."""
