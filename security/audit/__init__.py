"""Who did what: one chained row per change, written in the change's transaction."""
