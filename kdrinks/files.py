"""Opens regular files and nothing else: a pipe would wait for ever for a writer, and opening a device can set it off; and keeps what is
private to whose it is.

For every path that a person typed or that lies in a folder of theirs. Knows nothing of what the files hold.
"""

import errno
import os
import re
import stat
from pathlib import Path
from typing import BinaryIO


class NotRegular(OSError):
    """There is something at the path, and it is no file: a folder, pipe, socket or device."""


def regular(path: Path, *, follow: bool = True) -> os.stat_result:
    """The status of the regular file at the path. Raises OSError: NotRegular for anything else that is there.

    follow: whether a link stands for the file that it leads to.
    """
    try:
        status = path.stat(follow_symlinks=follow)
    except ValueError as exc:  # a name that no file can have: a zero byte, a lone surrogate
        raise FileNotFoundError(errno.ENOENT, str(exc)) from exc
    return _checked(status, path)


def is_regular(path: Path, *, follow: bool = True) -> bool:
    """As regular(), for those who need no reason: False too where nobody may look, and for a name longer than names can be."""
    try:
        regular(path, follow=follow)
    except OSError:
        return False
    return True


def is_special(path: Path) -> bool:
    """Whether a pipe, a socket or a device lies there, or a link that leads back to itself."""
    try:
        mode = path.stat().st_mode
    except OSError as exc:
        return exc.errno == errno.ELOOP
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def bare_name(name: str) -> str:
    """A file's name as messages tell it: without folders, whoever gave them, and without half characters that no page can show."""
    return re.split(r"[/\\]", name)[-1].encode("utf-8", errors="replace").decode("utf-8")


def open_regular(path: Path) -> BinaryIO:
    """Opens for reading without ever waiting. Raises OSError: NotRegular for what is no regular file."""
    regular(path)
    # looked at again once it is open, and opened without waiting: it may have been exchanged since
    number = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        _checked(os.fstat(number), path)
        return os.fdopen(number, "rb")
    except BaseException:
        os.close(number)
        raise


def keep_private(path: Path) -> None:
    """Nobody but its owner may open the file or folder from now on; nothing where the system has no modes, or it is another one's.

    A folder that everybody shares (/tmp, by its sticky bit), the root and a person's own home are left as they are.
    """
    try:
        mode = path.stat().st_mode
        shared = stat.S_ISDIR(mode) and (mode & stat.S_ISVTX or path.resolve() in (Path(path.anchor), Path.home()))
        if mode & 0o077 and not shared:
            path.chmod(stat.S_IMODE(mode) & ~0o077)
    except (OSError, RuntimeError):  # not there, not ours; no home
        pass


def _checked(status: os.stat_result, path: Path) -> os.stat_result:
    if not stat.S_ISREG(status.st_mode):
        raise NotRegular(f"{path} is no regular file")
    return status
