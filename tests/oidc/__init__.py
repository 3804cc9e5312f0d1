"""Signing in at a real identity provider, with its faults played."""
