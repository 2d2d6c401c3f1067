"""The worlds of hosts: what each framework wants to be told."""
