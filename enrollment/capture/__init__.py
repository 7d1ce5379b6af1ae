"""The guided capture before a webcam: its rules (guided), its messages (protocol) and its socket (consumers).

May import streaming, services and what they stand on, but no room beside it (hygiene, packs, pictures). guided.py knows
no socket and reads no database.
"""
