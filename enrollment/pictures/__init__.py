"""Enrolling from pictures instead of a camera: uploads with their forms and pages, and whole folders.

May import services, forms and what they stand on, but no room beside it (capture, hygiene, packs). Only views.py knows
requests.
"""
