"""Keeping the gallery clean: the report over everybody, what operators do about it, and the page for both.

May import services and what they stand on, but no room beside it (capture, packs, pictures). Only views.py knows
requests.
"""
