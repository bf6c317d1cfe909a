"""Team orienteering with time windows, as the public instances state it: read, searched, bounded, refereed.

The core of a round without people: which places are worth going to with so many tours. It is here so that the search can be
held against published results and other solvers on the very same instances.
"""
