"""The Django project: settings, addresses, server, health checks, dashboard. It wires the apps; no app imports it."""
