"""Measurements: `manage.py benchmark` runs pipeline, gallery and live; the others print the tables of docs/.

May use every app, and no app imports it but the command that starts it.
"""
