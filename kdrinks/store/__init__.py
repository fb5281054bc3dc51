"""The only room with SQL and the only importer of duckdb: conversations, words, timings, passages, saved choices.

db.py opens the file; chats, analytics, passages and export are plain functions that take a Database first.
"""
