"""Model packs: the manifest, choosing and checking a pack, the operator's packs, 8-bit variants.

May import the stages, to try a new model out. It never downloads: `enrollment.packs` does.
"""
