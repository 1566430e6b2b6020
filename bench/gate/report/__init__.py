"""How a report of the gate is told: to people, to pull requests, and to other programs."""
