// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strconv"
	"text/tabwriter"
	"time"
)

// figure is one row of the table.
type figure struct {
	id string
	// name is the first column. docs/performance.md has a row with the same name.
	name string
	// target is what docs/performance.md promises. It is empty for figures that only explain others.
	target string
}

// figures are the rows of the table, in order.
var figures = []figure{
	{"accept", "accept : floor, events a second", "≥ 1.0"},
	{"acceptFull", "accept : floor, p99 at full load", "≤ 1.5"},
	{"acceptHalf", "accept : floor, p99 at half of the floor's load", "≤ 1.5"},
	{"endToEnd", "end to end : floor, events a second", "≥ 0.4"},
	{"bento", "end to end : Bento, events a second", "≥ 3"},
	{"unmapped", "events that no mapping matches : accept, events a second", "≥ 0.95"},
	{"commands", "Redis commands an event, end to end", "≤ 15"},
	{"roundTrips", "Redis round trips an event, end to end", "≤ 1"},
	{"scripts", "Redis script calls an event, end to end", "≤ 1"},
	{"mappings", "10,000 mappings : 10 mappings, end to end", "0.85 to 1.15"},
	{"users", "1,000,000 users : 100 users, end to end", "0.85 to 1.15"},
	{"waiting", "100,000 waiting events : none, accept", "0.85 to 1.15"},
	{"waitingLong", "1,000,000 waiting events : none, accept", "0.85 to 1.15"},
	{"hangingMedian", "one hanging user : none, median latency of the others", "0.9 to 1.1"},
	{"hangingP99", "one hanging user : none, p99 latency of the others", "0.9 to 1.1"},
	{"busyMedian", "one user with 10,000 waiting events : none, median latency of the others", "0.9 to 1.1"},
	{"busyP99", "one user with 10,000 waiting events : none, p99 latency of the others", "0.9 to 1.1"},
	{"keys", "bytes a remembered key, 100,000 keys", "≤ 24"},
	{"keysLong", "bytes a remembered key, 10,000,000 keys", "≤ 12"},
	{"keysLongest", "bytes a remembered key, 100,000,000 keys", "≤ 12"},
	{"idle", "resident memory idle, MiB", "≤ 25"},
	{"manyMappings", "resident memory with 10,000 mappings of paths, MiB", "≤ 120"},
	{"manyConditions", "resident memory with 10,000 mappings that have a CEL condition, MiB", "≤ 120"},
	{"largeBodies", "highest resident memory with 64 bodies of 4 MB, MiB", "≤ 300"},
	{"floorTime", "CPU time of the floor and Redis an event, µs", ""},
	{"acceptTime", "CPU time of ingest and Redis an event, accept, µs", ""},
	{"ingestTime", "CPU time of ingest an event, end to end, µs", ""},
	{"redisTime", "CPU time of Redis an event, end to end, µs", ""},
	{"diskBytes", "bytes written to the append-only file an event, end to end", ""},
	{"floorRate", "floor, events a second on this machine", ""},
	{"acceptRate", "accept, events a second on this machine", ""},
	{"endToEndRate", "end to end, events a second on this machine", ""},
	{"bentoRate", "Bento, events a second on this machine", ""},
}

// add appends a measured value to a figure.
func (b *bench) add(id string, value float64) { b.values[id] = append(b.values[id], value) }

// median returns the median of a figure's values, which must not be empty.
func (b *bench) median(id string) float64 { return median(b.values[id]) }

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[middle]
	}
	return (sorted[middle-1] + sorted[middle]) / 2
}

// number formats a value with three significant digits, and with all digits before the decimal point.
func number(value float64) string {
	if value >= 100 {
		return strconv.FormatFloat(value, 'f', 0, 64)
	}
	return strconv.FormatFloat(value, 'g', 3, 64)
}

// writeTable prints the median and the range of each figure that was measured.
func (b *bench) writeTable(to io.Writer) error {
	table := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "figure\tthis run\tspread\ttarget")
	for _, f := range figures {
		if values := b.values[f.id]; len(values) > 0 {
			fmt.Fprintf(table, "%s\t%s\t%s to %s\t%s\n",
				f.name, number(median(values)), number(slices.Min(values)), number(slices.Max(values)), f.target)
		}
	}
	return table.Flush()
}

// writeJSON writes every measured value to a file.
func (b *bench) writeJSON(path string) error {
	type row struct {
		Figure string    `json:"figure"`
		Median float64   `json:"median"`
		Values []float64 `json:"values"`
		Target string    `json:"target,omitempty"`
	}
	result := struct {
		Time       time.Time     `json:"time"`
		CPUs       int           `json:"cpus"`
		Rounds     int           `json:"rounds"`
		Duration   time.Duration `json:"durationNanoseconds"`
		Figures    []row         `json:"figures"`
		GoPlatform string        `json:"platform"`
	}{time.Now().UTC(), runtime.NumCPU(), b.rounds, b.duration, nil, runtime.GOOS + "/" + runtime.GOARCH}
	for _, f := range figures {
		if values := b.values[f.id]; len(values) > 0 {
			result.Figures = append(result.Figures, row{f.name, median(values), values, f.target})
		}
	}
	text, err := json.MarshalIndent(result, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o600)
}
