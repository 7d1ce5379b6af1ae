"""The site's model packs: installing them, 8-bit variants, templates for another pack, and the switch to it.

May import samples, runtime and the app's services, models and errors; no requests and no sockets. Only store.py uses
the network, and it imports nothing but the engine.
"""
