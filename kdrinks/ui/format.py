"""Sizes, counts and times as a person reads them. Knows strings only."""

from kdrinks.ui.frame import t


def bytes_text(size_bytes: float) -> str:
    """As file managers say it: powers of 1,024."""
    for unit, size in (("GiB", 1024**3), ("MiB", 1024**2), ("KiB", 1024)):
        if size_bytes >= size:
            return f"{size_bytes / size:.1f} {unit}"
    return f"{size_bytes:.0f} B"


def short(count: int) -> str:
    for unit, size in (("B", 10**9), ("M", 10**6), ("K", 10**3)):
        if count >= size:
            return f"{count / size:.1f}{unit}"
    return str(count)


def seconds_text(seconds: float) -> str:
    """Three significant places at most: 0.02, 0.31, 4.2, 38."""
    return f"{seconds:.2f}" if seconds < 1 else f"{seconds:.1f}" if seconds < 10 else f"{seconds:,.0f}"


def left_text(seconds: float) -> str:
    """How long something will take, in the largest unit that still says something."""
    if seconds < 90:
        return t("models.catalog.seconds", count=max(1, round(seconds)))
    if seconds < 5400:
        return t("models.catalog.minutes", count=round(seconds / 60))
    return t("models.catalog.hours", count=f"{seconds / 3600:.1f}")
