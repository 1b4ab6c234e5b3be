"""One file a command; each ends with a plain sentence and an exit status."""
