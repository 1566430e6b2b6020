"""Reviews: reading, tokenising, encoding and making them."""
