"""Training of the project's own small weights. The product runs without it; README.md in this folder explains it."""
