"""Data pools: their content, and the immutable indexes that say which files each state of a pool has.

Below ``<cluster id>/!pools/<namespace>/<uid>/`` no key is ever written twice: content has a random name, and each part
of an index has a random member, so that its digest never comes back. What the sweep has found unused therefore stays
unused. Which index is the pool's state now stands in ``DataPool.status.index``; it is moved by compare-and-swap.
"""
