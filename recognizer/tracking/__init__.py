"""The faces of one stream over time: one identity per face, decisions from several frames, head movements.

May import the engine, `decisions`, the stages and the search; nothing else of the engine imports this room.
"""
