"""What people may ask for: withdrawing, a copy of everything held about them, a receipt of their erasure."""
