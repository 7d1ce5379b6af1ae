"""The guided capture before a webcam: its rules (guided), its messages (protocol) and its socket (consumers).

May import streaming, samples, runtime and the app's root modules. guided.py knows no socket and reads no database.
"""
