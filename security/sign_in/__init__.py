"""How operators sign in: limits, passwords, sessions, second factor, other identity providers."""
