"""The words and rules of the identity: one concept a file, every table here."""
