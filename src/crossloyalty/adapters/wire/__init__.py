"""What every marketplace adapter is made of: calls and answers as values, strict reading, signing, secrets."""
