"""Operators: who they are, what they may do, and who changes that."""
