"""The process that trains one trial: the only part of the suite that imports Keras."""
