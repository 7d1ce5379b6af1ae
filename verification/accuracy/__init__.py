"""How accurate recognition is: on the site's own samples, on labelled pairs of pictures, and drawn as charts.

May import services, enrollment and what they stand on, but not live, the room beside it. Only views.py knows requests.
"""
