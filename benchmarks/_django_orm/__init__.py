"""The same claim in idiomatic Django: a small app with its models and one service function."""
