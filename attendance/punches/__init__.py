"""Check-in and check-out: how punches come into being and how they are corrected."""
