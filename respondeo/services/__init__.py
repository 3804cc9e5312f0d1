"""Use cases: verbs change things, nouns read. They take a session and plain values, and never
commit."""
