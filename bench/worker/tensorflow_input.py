"""Feed TensorFlow from a pipeline that gathers ahead of the step, in its own threads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import tensorflow as tf

from bench.task import Array, Examples, Lookup

if TYPE_CHECKING:
    from bench.worker.batches import TrainingBatches

#: Batches that are ready before a step asks for them.
_AHEAD = 2
#: Threads that look batches up.
_THREADS = 2
#: A larger table stays on disk, where it is mapped, and batches are gathered by NumPy; bytes.
LARGEST_TABLE = 64 * 1024**2


def pipeline(batches: TrainingBatches) -> tf.data.Dataset:
    """Return the batches of one epoch after the other, endless: the same numbers, bit for bit.

    Where the examples have a lookup, TensorFlow gathers and encodes by itself; otherwise a
    thread asks ``batches``. Measured on two cores, a dense model's step over ten days of
    weather took 2.8 ms with Keras' own adapter; in the second way 2.7 ms, and 1.7 with ten
    steps fused; in the first 1.9 and 1.1 ms.
    """
    lookup = batches.examples.lookup()
    if lookup is not None and lookup.table.nbytes <= LARGEST_TABLE:
        dataset = _looked_up(batches, lookup)
    else:
        dataset = _asked_for(batches)
    options = tf.data.Options()
    # Autotuning waits longer and longer before it looks whether a dataset is done with: the
    # end of an epoch of a second and a half may take another.
    options.autotune.enabled = False
    return dataset.prefetch(_AHEAD).with_options(options)


def _looked_up(batches: TrainingBatches, lookup: Lookup) -> tf.data.Dataset:
    dtype = _example(batches.examples).dtype
    table, first, offsets, targets = (
        tf.constant(np.asarray(array))
        for array in (lookup.table, lookup.first, lookup.offsets, batches.examples.targets)
    )
    spread = (-1, *[1] * len(offsets.shape))

    def gather(numbers: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        found = tf.gather(table, tf.reshape(tf.gather(first, numbers), spread) + offsets)
        if lookup.depth is not None:
            # Not every type of whole number can be one-hot encoded.
            inputs = tf.one_hot(tf.cast(found, tf.int32), lookup.depth, dtype=dtype)
        else:
            inputs = tf.cast(found, dtype)
        return inputs, tf.gather(targets, numbers)[:, None]

    return _numbers(batches).map(gather, num_parallel_calls=_THREADS, deterministic=True)


def _asked_for(batches: TrainingBatches) -> tf.data.Dataset:
    example = _example(batches.examples)
    types = [example.dtype, batches.examples.targets.dtype]
    size = batches.shape[1]

    def ask(numbers: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        inputs, targets = tf.numpy_function(batches.gathered, [numbers], types, stateful=False)
        return (
            tf.ensure_shape(inputs, (size, *example.shape)),
            tf.ensure_shape(targets, (size, 1)),
        )

    return _numbers(batches).map(ask)


def _numbers(batches: TrainingBatches) -> tf.data.Dataset:
    """Return the example numbers of one batch after the other, endless."""

    def draw(epoch: tf.Tensor) -> tf.Tensor:
        numbers = tf.numpy_function(batches.drawn, [epoch], tf.int64, stateful=False)
        return tf.ensure_shape(numbers, batches.shape)

    epochs = tf.data.Dataset.counter()
    return epochs.map(draw).flat_map(tf.data.Dataset.from_tensor_slices)


def _example(examples: Examples) -> Array:
    """Return one input, to know the shape and the type of all."""
    found: Array = examples.gather(np.zeros(1, dtype="int64"))[0]
    return found
