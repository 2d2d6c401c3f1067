"""The host's own app."""
