#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs schedules of test/simulate on all processors: hack/simulate.sh COUNT. A schedule uses one processor.
set -euo pipefail
cd "$(dirname "$0")/.."

count=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
go test -c -o "$work/simulate" ./test/simulate

processors=$(nproc)
share=$(((count + processors - 1) / processors))
for ((i = 0; i < processors; i++)); do
	"$work/simulate" -test.run '^TestSchedules$' -test.timeout 2h -test.v -first=$((i * share + 1)) -schedules="$share" >"$work/output-$i" 2>&1 &
done
failed=0
for job in $(jobs -p); do
	wait "$job" || failed=1
done
grep -hv '^ *=== \|^ *--- PASS\|^PASS' "$work"/output-* || true
exit "$failed"
