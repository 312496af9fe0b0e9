// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

func TestPerformancePageHasTheTargetOfEveryFigure(t *testing.T) {
	text, err := os.ReadFile("../../docs/performance.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range figures {
		if start, end := "\n| "+f.name+" | ", " | "+f.target+" |\n"; f.target != "" {
			_, rest, found := strings.Cut(string(text), start)
			line, _, _ := strings.Cut(rest, "\n")
			if !found || !strings.HasSuffix(line+"\n", end) {
				t.Errorf("docs/performance.md has no row %q that ends in the target %q", f.name, f.target)
			}
		}
	}
}

func TestMedianIsTheMiddleValue(t *testing.T) {
	for _, test := range []struct {
		values []float64
		want   float64
	}{
		{[]float64{3}, 3},
		{[]float64{9, 1, 2}, 2},
		{[]float64{4, 1, 2, 9}, 3},
	} {
		if got := median(test.values); got != test.want {
			t.Errorf("median(%v) = %v; want %v", test.values, got, test.want)
		}
	}
}

func TestEachPostIsANewEventOfAUser(t *testing.T) {
	seen := map[string]bool{}
	m := newMessage([]byte(event))
	for range 3 {
		m.renew(-2, time.Unix(12, 34))
		text := string(m.text)
		if seen[text] {
			t.Errorf("the event was sent before: %s", text)
		}
		seen[text] = true
		if want := fmt.Sprintf(`"sent":"%019d"`, 12_000_000_034); !strings.Contains(text, want) {
			t.Errorf("the event does not contain %s: %s", want, text)
		}
	}
	if m.renew(hangingUser, time.Unix(0, 0)); !strings.Contains(string(m.text), userName(hangingUser)) {
		t.Errorf("the event does not contain %s: %s", userName(hangingUser), m.text)
	}
}
