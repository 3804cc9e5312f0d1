"""OpenID Connect: the providers that are set up, talking to them, and checking them."""
