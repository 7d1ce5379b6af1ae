"""People from a ZIP of folders and a list (CSV), sent by a page: a piece of work in the background with a report.

May import pictures, groups and what they stand on. Only views.py knows requests. Nothing is unpacked: members are read
out of a file without a name, which the system forgets with the process.
"""
