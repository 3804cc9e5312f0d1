"""Pure rules: standard library and pydantic only, no database, no web."""
