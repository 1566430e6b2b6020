"""Campaigns: what is too long for the test suite, and tries the suite itself."""
