"""What a process holds while it runs: its engine, its copy of the gallery, the policy in force, database threads.

May import models and recognizer, and no other part of the app.
"""
