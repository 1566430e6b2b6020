"""The regression gate: two sides are measured, compared, and judged."""
