"""Webhooks: the site tells other programs what happened, as Standard Webhooks says (standardwebhooks.com)."""
