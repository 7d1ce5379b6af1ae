"""People, their samples, templates and consent: capture, pictures, the gallery and its hygiene, model packs.

May import recognizer; knows neither verification nor facesite. Each folder is a room, and its docstring says what the
room may import: pages and commands -> capture, hygiene, packs, pictures -> services -> samples -> runtime -> models.
import-linter holds the walls (pyproject.toml).
"""
