"""What a process holds while it runs: its engine, its copy of the gallery, the policy in force, database threads.

May import models, hooks, events and errors; nothing that reads or writes people (selectors, samples, services).
"""
