"""A sample's way into the database: drafts, whether they fit, duplicates, storing. And the scores of stored samples.

May import runtime, selectors and what they stand on; never services, which use this room.
"""
