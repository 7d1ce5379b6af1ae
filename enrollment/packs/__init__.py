"""The site's model packs: installing them, 8-bit variants, templates for another pack, and the switch to it.

May import services and what they stand on, but no room beside it (capture, hygiene, pictures). Only views.py knows
requests. Only store.py uses the network, and it imports nothing but the engine.
"""
