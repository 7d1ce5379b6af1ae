"""Who is in: check-in and check-out, presence and reports."""
