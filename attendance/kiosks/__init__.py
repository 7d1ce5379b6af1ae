"""Devices at doors: how they are set up, how they prove who they are, what they show, and their socket."""
