#!/bin/sh
# Double-click on a Mac: opens kdrinks in a window of Terminal.
cd "$(dirname "$0")" || exit 1
exec python3 start.py "$@"
