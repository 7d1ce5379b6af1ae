"""The face engine: arrays in, frozen dataclasses out. No Django, no database, no network.

At its root are the vocabulary (`types`, `errors`), what several rooms or apps share, and the one way in
(`engine.FaceEngine`). The rooms: `stages` are the steps from a picture to an embedding, `tracking` follows faces over
time, `search` holds the gallery, and `packs` the model files. The engine imports no other package of facesite.
"""
