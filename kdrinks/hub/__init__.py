"""Models: which there are (catalog.py) and what their files say about themselves (gguf.py)."""
