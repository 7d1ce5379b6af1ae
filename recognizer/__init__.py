"""The face engine: arrays in, frozen dataclasses out. No Django, no database, no network.

The files here are its vocabulary (`types`, `errors`) and the one way in (`engine.FaceEngine`). The rooms: `stages` has
what is done to one face, `tracking` what happens to it over time, `search` the gallery, `packs` the model files.
"""
