"""The intake's HTTP edge: what a connection may cost before a route sees its call."""
