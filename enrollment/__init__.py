"""People, their samples, templates and consent: capture, pictures, the gallery and its hygiene, model packs.

May import recognizer; knows neither verification nor facesite. Each folder is a room, and its docstring says what the
room may import. Inside the app imports run one way too: the other rooms -> services -> samples -> runtime -> models.
"""
