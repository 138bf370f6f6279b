#!/usr/bin/env bash
# Get Debian's Python and NumPy for the processors of PYNQ boards, and QEMU to run them.
#
# usage: roots.sh FOLDER [SUITE...]
#
# FOLDER gets armhf/ and arm64/, of the first suite that can be had: the oldest one comes first,
# because its versions are the nearest to those on PYNQ's images. Where this cannot be, it says why and
# ends well, except in CI: the tests that need it then skip themselves, and say so too.
set -uo pipefail
folder=$1
shift
suites=("${@:-bullseye bookworm}")

skip() {
  echo "board-test: skipped: $1"
  [ -z "${CI:-}" ]
  exit
}

install_tools() {
  command -v qemu-arm-static >/dev/null && command -v qemu-aarch64-static >/dev/null &&
    command -v mmdebstrap >/dev/null && return
  command -v apt-get >/dev/null || skip "qemu-user-static and mmdebstrap are installed with apt-get only"
  [ "$(id -u)" = 0 ] || skip "only root installs qemu-user-static and mmdebstrap; do that first"
  apt-get install -qq -y --no-install-recommends qemu-user-static mmdebstrap >/dev/null ||
    skip "apt-get cannot install qemu-user-static and mmdebstrap"
}

# The machine's own mirror of Debian, without the security updates, of which an old suite has none.
mirror() {
  apt-get indextargets --format '$(REPO_URI)' 'Origin: Debian' 'Label: Debian' 2>/dev/null | head -n 1
}

extract() { # architecture, suite
  local root=$folder/$1 new=$folder/.$1.new uri
  rm -rf "$new"
  uri=$(mirror)
  mmdebstrap --quiet --variant=extract --architectures="$1" --include=python3-numpy \
    "$2" "$new" ${uri:+"deb $uri $2 main"} >"$folder/$1.log" 2>&1 || return 1
  rm -rf "$root"
  mv "$new" "$root"
}

mkdir -p "$folder" || skip "cannot write to $folder"
install_tools
for architecture in armhf arm64; do
  [ -x "$folder/$architecture/usr/bin/python3" ] && continue
  for suite in ${suites[*]}; do
    echo "board-test: Debian $suite for $architecture"
    extract "$architecture" "$suite" && continue 2
  done
  skip "no Debian for $architecture: $(tail -n 1 "$folder/$architecture.log")"
done
