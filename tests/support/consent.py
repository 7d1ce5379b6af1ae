"""A consent for tests that are about something else."""

from __future__ import annotations

from enrollment.consent.records import Consent, How

ON_PAPER = Consent(How.PAPER)
