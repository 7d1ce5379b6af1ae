"""Dates in the admin as the pages write them."""
