"""Who is in: kiosks at the doors, check-in and check-out, presence and reports."""
