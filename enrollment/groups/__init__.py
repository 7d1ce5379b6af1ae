"""Groups of people: shifts, departments, visitors. A group narrows lists and exports; it lets nobody in or out.

May import services and what they stand on, but no room beside it. Only views.py knows requests.
"""
