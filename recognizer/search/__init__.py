"""Comparing embeddings: exact 1:N search in immutable snapshots, confusions, clusters, samples that do not fit.

Imports only `types` and `errors` of the engine: vectors in, candidates out, no model is ever run here.
"""
