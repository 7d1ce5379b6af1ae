"""The engine: arrays in, frozen dataclasses out. No Django, no database, no network."""
