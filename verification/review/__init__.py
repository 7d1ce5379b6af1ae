"""What operators say about decisions afterwards: wrong matches (feedback), and faces that nobody matched (unknowns).

May import enrollment, recognizer and the app's policy, models, forms and selectors; never services, which use this
room. Only the *_views.py know requests.
"""
