"""Trials on other machines: an executor that sends them to the workers of a dask scheduler.

``start`` finds or starts the workers, ``dask_executor`` sends trials and takes what comes back,
``machines`` says which worker is next; ``station`` does a trial on its machine, with what the
``parcel`` holds and the ``shelf`` of that machine has.
"""

__all__ = ["start"]
