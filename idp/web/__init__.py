"""The pages that people see at the provider: login, return, logout, home."""
