"""What is erased when: rules of every app, run once a day."""
