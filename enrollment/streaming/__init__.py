"""What every socket of the product shares: the base consumer, what waits between it and the engine, common messages.

May import runtime, models, errors and reasons; it knows neither the capture nor anything of verification.
"""
