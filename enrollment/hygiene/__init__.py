"""Keeping the gallery clean: the report over everybody, what operators do about it, and the page for both.

May import samples, runtime and the app's root modules. Only views.py knows requests.
"""
