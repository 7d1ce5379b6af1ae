"""The steps from a picture to an embedding, one module each: a Protocol or pure functions, and what implements them.

Imports only `types` and `errors` of the engine. It knows neither packs nor galleries: the engine hands it the models.
"""
