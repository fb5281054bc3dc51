"""The engine: local.py supervises a child process (process.py, worker.py, native.py) that owns llama.cpp and the model."""
