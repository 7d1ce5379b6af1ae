"""Stored biometrics as ciphertext, and the keys to them."""
