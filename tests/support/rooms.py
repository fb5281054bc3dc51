"""The rooms of the package in their order."""

ORDER = (
    *("i18n", "config", "errors", "kinds", "records", "findings", "permissions", "files", "given", "watch"),
    *("text", "store", "jobs", "drinks", "documents", "generation", "charts", "search"),
    *("engine", "hub", "recount", "portability", "temporary", "deletions", "services", "admission", "answer"),
    *("measure", "sample"),
    *("cli", "__main__", "ui"),
)
"""Rooms from the ground up: each imports from those before it and from itself, so that no two need one another."""
