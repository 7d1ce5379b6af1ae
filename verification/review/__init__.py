"""What operators say about decisions afterwards: wrong matches (feedback), and faces that nobody matched (unknowns).

May import forms, cards, policy, selectors, models and enrollment; never services, which use this room. Only the
*_views.py know requests.
"""
