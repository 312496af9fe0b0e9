#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Installs the given commands with apt if they are missing, for example: hack/install-test-deps.sh redis-server gcc
# Debian 12 has valkey-server only among its backports. The script then reads the backports of the configured mirror for
# this installation only, and does not change the configuration of apt.
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
	echo "missing packages: ${packages[*]}. apt-get does not exist on this system: install them with its package manager and try again" >&2
	exit 1
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then
	if ! command -v sudo >/dev/null; then
		echo "missing packages: ${packages[*]}. Run as root: apt-get install ${packages[*]}" >&2
		exit 1
	fi
	as_root=(sudo)
fi

# With runlevel 1, apt does not start the services that it installs. The tests start their own redis-server.
echo "installing ${packages[*]}" >&2
"${as_root[@]}" apt-get update -qq

options=()
if [[ " ${packages[*]} " == *" valkey-server "* ]] && [ -z "$(apt-cache madison valkey-server)" ]; then
	# shellcheck disable=SC2016 # apt-get replaces $(…), not the shell
	read -r mirror release < <(apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' |
		grep -E '^[^ ]+ [a-z]+$' | sort -u)
	backports=$(mktemp -d)
	trap 'rm -rf "$backports"' EXIT
	chmod 755 "$backports" # apt reads it as another user
	cp -R /etc/apt/sources.list.d/. "$backports"
	echo "deb $mirror $release-backports main" >"$backports/doorbell-backports.list"
	options=(-o "Dir::Etc::SourceParts=$backports")
	"${as_root[@]}" apt-get "${options[@]}" update -qq
fi
"${as_root[@]}" env RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive \
	apt-get "${options[@]}" install -y -qq --no-install-recommends "${packages[@]}" >&2
