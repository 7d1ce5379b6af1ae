"""What the punches say: who is in, stays, hours, and the files that hold them."""
