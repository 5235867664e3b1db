#!/bin/sh
# Find a Python 3.11 to 3.13 that can make virtual environments and run "$@" with it.
# PYTHON=… names one; otherwise the PATH decides, then the usual places.
set -u

fits='import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))'
without_venv=''

run_with() {
    candidate=$1
    shift
    "$candidate" -c "$fits" >/dev/null 2>&1 || return 0
    if "$candidate" -c 'import ensurepip, venv' >/dev/null 2>&1; then
        exec "$candidate" "$@"
    fi
    without_venv=$candidate
}

fail() {
    echo "$1" >&2
    exit 1
}

if [ -n "${PYTHON:-}" ]; then
    run_with "$PYTHON" "$@"
    [ -n "$without_venv" ] || fail "PYTHON=$PYTHON is not a Python 3.11, 3.12 or 3.13."
else
    for found in python3.13 python3.12 python3.11 python3 python \
        "${PYENV_ROOT:-${HOME:-}/.pyenv}"/versions/3.1[321].*/bin/python3 \
        /usr/local/bin/python3 /opt/homebrew/bin/python3 /usr/bin/python3; do
        run_with "$found" "$@"
    done
fi

if [ -n "$without_venv" ]; then
    fail "$without_venv cannot make virtual environments. On Debian and Ubuntu: apt-get install python3-venv"
fi
fail "Tweet Later needs Python 3.11, 3.12 or 3.13 and found none. Install one, or say where it is: make run PYTHON=/path/to/python3"
