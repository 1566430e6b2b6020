"""A leaderboard as text: markdown, HTML, CSV, JSON, and a table for the terminal."""
