"""Training of the project's own small weights. Not needed to run the product; see README.md in this folder."""
