"""Bugs planted by hand, each of which the tests have to catch."""
