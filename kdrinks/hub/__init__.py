"""Models: which there are (catalog.py) and what their files say about themselves (gguf.py)."""

from kdrinks.hub import surroundings

surroundings.prepare()  # before any module here imports the Hub's client, which reads the environment once
