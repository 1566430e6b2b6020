"""The suite's trials beside plain Keras scripts, interleaved: ``python -m campaigns.speed``."""
