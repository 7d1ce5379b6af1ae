"""A sample's way into the database: drafts, whether they fit, duplicates, storing. And the scores of stored samples.

May import runtime, selectors, models and errors; never services, which use this room.
"""
