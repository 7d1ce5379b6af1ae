"""The face engine: arrays in, frozen dataclasses out. No Django, no database, no network.

The files here are its vocabulary (`types`, `errors`) and the one way in (`engine.FaceEngine`). The rooms: `stages` are
the steps from a picture to an embedding, `tracking` follows faces over time, `search` holds the gallery, and `packs`
the model files. The engine imports no other package of facesite.
"""
