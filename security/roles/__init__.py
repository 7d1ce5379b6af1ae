"""Which operator may do what."""
