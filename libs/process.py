"""What a process that answers calls does once it is set up."""

import gc

COLLECT_AFTER = 50_000
"""Objects made before the collector looks for cycles among them; CPython's own 700 is for programs that hold little."""


def settle() -> None:
    """Let the garbage collector pass over what is there now, and look seldom.

    In a rush, hundreds of calls are in progress at once, and looking through all they hold again and again took more than
    half of the edge's time. Nearly all of it goes by itself when a call ends.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER, 20, 20)
