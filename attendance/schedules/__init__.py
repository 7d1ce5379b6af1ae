"""When people are expected: schedules, days off, and what follows from both for one person's day."""
