"""The back end of the citizen app."""
