// SPDX-License-Identifier: Apache-2.0

package document

import (
	"strings"
	"testing"
)

func TestTheErrorOfATooLargeDocumentStatesTheSizeThatExceedsItsLimit(t *testing.T) {
	for want, sizes := range map[string][2]int{
		"it has 262145 KiB uncompressed, and the maximum is 262144 KiB": {maxInflated + 1024, 1000},
		"KiB compressed, and the maximum is":                            {maxInflated + 1024, maxPart*MaxParts + 1},
	} {
		if err := checkSize(&Document{}, sizes[0], sizes[1]); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want an error with %q", err, want)
		}
	}
	if err := checkSize(&Document{}, maxInflated, maxPart*MaxParts); err != nil {
		t.Errorf("%v; want no error at the limits", err)
	}
}
