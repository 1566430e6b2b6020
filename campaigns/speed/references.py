"""The reference models that can be compared, and what the suite was built to reach."""

from __future__ import annotations

#: Every row of the reference material's tables that trains on the task's own data. The naive
#: forecast trains nothing; the row with GloVe vectors needs a file that few have.
REFERENCES = (
    "jena_dense",
    "jena_gru",
    "jena_gru_dropout",
    "jena_stacked_gru",
    "jena_gru_reversed",
    "jena_bidirectional_gru",
    "jena_conv1d",
    "jena_conv_gru",
    "jena_lstm",
    "jena_gru_large",
    "imdb_onehot",
    "imdb_hashed",
    "imdb_characters",
    "imdb_embedding_dense",
    "imdb_embedding_200",
    "imdb_embedding_2000",
    "imdb_simple_rnn",
    "imdb_stacked_rnn",
    "imdb_lstm",
    "imdb_lstm_reversed",
    "imdb_bidirectional_lstm",
    "imdb_conv1d",
    "imdb_onehot_rnn8",
    "imdb_embedded_rnn8",
    "imdb_lstm8",
    "imdb_lstm8_dropout",
)

#: No model may be slower than this many times as fast as the plain script.
NEVER_BELOW = 0.95
#: How many times as fast a training step must be.
STEP = {
    "jena_dense": 3.0,
    "jena_gru": 1.5,
    "jena_gru_dropout": 1.5,
    "jena_stacked_gru": 1.5,
    "jena_bidirectional_gru": 1.5,
    "imdb_simple_rnn": 2.0,
    "imdb_lstm": 1.2,
    "jena_lstm": 1.2,
}
#: The same of a validation pass: the recurrent models of Jena.
VALIDATION = dict.fromkeys(
    (
        "jena_gru",
        "jena_gru_dropout",
        "jena_stacked_gru",
        "jena_gru_reversed",
        "jena_bidirectional_gru",
        "jena_conv_gru",
        "jena_lstm",
        "jena_gru_large",
    ),
    2.5,
)
#: GiB that a trial of the suite may have at its peak, by the task.
MEMORY = {"jena": 1.2, "imdb": 1.5}
#: How many times as fast the whole table must be.
TABLE = 3.0
#: Seconds of a trial beyond training and scoring, and the share of a run beyond its trials.
OVERHEAD_SECONDS, OVERHEAD_SHARE = 1.5, 0.02
