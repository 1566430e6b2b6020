"""Weather series: reading, cleaning, splitting and windowing them, and making them up."""
