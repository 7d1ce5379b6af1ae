"""The live page: one socket's stream (session), its messages (protocol), its socket (consumers), limits on challenges.

May import services, enrollment and what they stand on, but not accuracy, the room beside it. session.py knows no socket
and reads no database.
"""
