"""What is done with several people who were picked in the list.

May import services, groups and what they stand on. Only views.py knows requests.
"""
