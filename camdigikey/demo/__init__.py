"""Everything on one machine: provider, citizen app, register simulator, portal.

Everything is real but the register of citizens (a simulator with specimens) and the
text messages (printed on the console).
"""
