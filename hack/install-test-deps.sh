#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Installs the named commands through apt where they are missing: hack/install-test-deps.sh redis-server gcc
set -euo pipefail

packages=()
for command in "$@"; do
	command -v "$command" >/dev/null && continue
	case "$command" in
	gcc) packages+=(gcc libc6-dev) ;; # the race detector needs both
	*) packages+=("$command") ;;
	esac
done
[ ${#packages[@]} -eq 0 ] && exit 0

if ! command -v apt-get >/dev/null; then
	echo "missing: ${packages[*]}. There is no apt-get here: install them by your system's means, then run this again." >&2
	exit 1
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then
	if ! command -v sudo >/dev/null; then
		echo "missing: ${packages[*]}. Run as root: apt-get install ${packages[*]}" >&2
		exit 1
	fi
	as_root=(sudo)
fi

# Runlevel 1 keeps apt from starting the services that it installs: the tests start their own.
echo "installing ${packages[*]}" >&2
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive \
	apt-get install -y -qq --no-install-recommends "${packages[@]}" >&2
