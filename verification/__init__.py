"""Who is this? Decisions about faces on the live page and on photos, their history, and the policy behind them.

May import enrollment and recognizer; does not know facesite. Each folder is a room, and its docstring says what the
room may import: pages and commands -> accuracy, live -> services -> review -> cards, policy, selectors -> models.
import-linter holds the walls (pyproject.toml).
"""
