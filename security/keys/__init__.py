"""API keys: how another program proves who it is, what it may do, and who gave it the key."""
