"""Enrolling from pictures instead of a camera: uploads with their forms and pages, and whole folders.

May import samples, runtime and the app's root modules. Only views.py knows requests.
"""
