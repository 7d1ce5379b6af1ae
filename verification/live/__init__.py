"""The live page: one socket's stream (session), its messages (protocol), its socket (consumers), limits on challenges.

May import enrollment's streaming and runtime, recognizer and the app's root modules, but no other room. session.py
knows no socket and reads no database.
"""
