#!/bin/sh
# Installs __PROGRAM__ __VERSION__: downloads the archive for this machine, compares its SHA-256 with the one that is
# written here, and puts the program into a folder. Nothing is asked, and nothing else is changed.
#
#   sh __NAME__-installer.sh [--to FOLDER] [--from URL] [--target TARGET]
set -eu

program='__PROGRAM__'
version='__VERSION__'
from='__URL__'
to="${HOME:-}/.local/bin"
target=''
work=''

fail() {
    printf '%s: %s\n' "__NAME__-installer" "$1" >&2
    exit 1
}

usage() {
    cat <<'END'
Installs __PROGRAM__ __VERSION__.

  --to FOLDER      folder of the program (default: ~/.local/bin)
  --from URL       where the archives are (default: __URL__)
  --target TARGET  one of: __TARGETS__
                   (default: the one for this machine)
END
}

clean() {
    if [ -n "$work" ]; then
        rm -rf "$work"
    fi
}

# Whether version $1 (1.2.3) is at least $2.$3.
at_least() {
    major="${1%%.*}"
    rest="${1#*.}"
    minor="${rest%%.*}"
    case "$major$minor" in
        '' | *[!0-9]*) return 1 ;;
    esac
    [ "$major" -gt "$2" ] || { [ "$major" -eq "$2" ] && [ "$minor" -ge "$3" ]; }
}

# Whether this machine has glibc of at least $1.$2.
has_glibc() {
    libc="$(getconf GNU_LIBC_VERSION 2>/dev/null)" || return 1
    at_least "${libc#glibc }" "$1" "$2"
}

# Whether this is macOS of at least $1.$2.
has_macos() {
    at_least "$(sw_vers -productVersion 2>/dev/null).0" "$1" "$2"
}

# The target for this machine.
choose() {
    machine="$(uname -s)/$(uname -m)"
    case "$machine" in
__CHOICES__
        *) fail "there is no $program for $machine; there are: __TARGETS__" ;;
    esac
}

# Name and SHA-256 of the archive for a target.
find_archive() {
    case "$1" in
__ARCHIVES__
        *) fail "there is no $program for '$1'; there are: __TARGETS__" ;;
    esac
}

download() {
    if command -v curl >/dev/null 2>&1; then
        curl -fsSL --retry 2 -o "$2" "$1"
    elif command -v wget >/dev/null 2>&1; then
        wget -q -O "$2" "$1"
    else
        fail "neither curl nor wget is here: install one of them"
    fi
}

sha256_of() {
    if command -v sha256sum >/dev/null 2>&1; then
        sha256sum "$1"
    elif command -v shasum >/dev/null 2>&1; then
        shasum -a 256 "$1"
    elif command -v openssl >/dev/null 2>&1; then
        openssl dgst -sha256 -r "$1"
    else
        fail "none of sha256sum, shasum and openssl is here, so nothing could be verified: install one of them"
    fi
}

main() {
    while [ "$#" -gt 0 ]; do
        case "$1" in
            -h | --help) usage; exit 0 ;;
            --to | --from | --target)
                [ "$#" -gt 1 ] || fail "$1 needs a value"
                case "$1" in
                    --to) to="$2" ;;
                    --from) from="${2%/}" ;;
                    --target) target="$2" ;;
                esac
                shift 2
                ;;
            *) fail "unknown argument '$1'; see --help" ;;
        esac
    done
    case "$to" in
        /.local/bin) [ -n "${HOME:-}" ] || fail "HOME is not set: name the folder with --to" ;;
    esac
    [ -n "$target" ] || choose
    find_archive "$target"

    work="$(mktemp -d)" || fail "no folder for temporary files can be made"
    trap clean EXIT
    trap 'exit 1' HUP INT TERM
    download "$from/$archive" "$work/archive" || fail "$from/$archive could not be downloaded"
    sum="$(sha256_of "$work/archive")" || exit 1
    sum="${sum%% *}"
    if [ "$sum" != "$sha256" ]; then
        fail "the SHA-256 of $from/$archive is $sum, and that of the release is $sha256: nothing was installed"
    fi
    tar -xzf "$work/archive" -C "$work" || fail "$archive cannot be unpacked"

    mkdir -p -- "$to" || fail "the folder $to cannot be made; name another with --to"
    # Put aside and renamed, so that a program that runs is not written into.
    aside="$to/.$program.$$"
    if ! cp -- "$work/${archive%.tar.gz}/$program" "$aside" || ! chmod 755 "$aside" || ! mv -f -- "$aside" "$to/$program"; then
        rm -f -- "$aside"
        fail "$to cannot be written; name another folder with --to"
    fi
    printf 'installed %s %s as %s\n' "$program" "$version" "$to/$program"
    case ":${PATH:-}:" in
        *":$to:"*) ;;
        *) printf 'to call it by name, add %s to PATH\n' "$to" ;;
    esac
}

# All of it was read before anything is done, so that half a script does nothing.
main "$@"
