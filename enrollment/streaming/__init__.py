"""What every socket of the product shares: the base consumer, what waits between it and the engine, common messages.

May import runtime, models, errors and reasons. Only sockets and their messages import it; it knows none of them.
"""
