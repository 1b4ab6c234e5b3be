"""Tables, sealed values and wake-ups, each embedded or distributed.

No code above this room knows which.
"""
