"""How accurate recognition is: on the site's own samples, on labelled pairs of pictures, and drawn as charts.

May import the app's root modules, enrollment and recognizer, but no other room. Only views.py knows requests.
"""
