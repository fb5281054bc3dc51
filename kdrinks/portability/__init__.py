"""Conversations as files: what is written of one (formats.py) and what is read of other programs' and of ours (bring_in.py).

Files are data: nothing in one is run, fetched or followed, and what it says of ids, owners and figures is believed as far as
store/trees.py says.
"""
