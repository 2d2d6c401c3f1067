"""One migration a version of the schema."""
