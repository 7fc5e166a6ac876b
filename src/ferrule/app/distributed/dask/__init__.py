"""Actions made by the workers of a Dask cluster, each in a checkout of its own; nothing here needs a shared folder.

identity.py  what has to be the same on all machines, and what is not
worker.py    what a worker does: open its checkout, take contents, make what is ordered
client.py    the executor: looks after the workers, gives them orders, brings home what they made
"""
