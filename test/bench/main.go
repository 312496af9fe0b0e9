// SPDX-License-Identifier: Apache-2.0

// Command bench measures the ingest program and compares it with other programs on the same machine. It builds the
// programs, runs them over loopback with one Redis that syncs every write to disk, and prints a table of ratios.
// docs/performance.md explains each figure. Run it with `make bench`.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var err error
	if len(os.Args) == 4 && os.Args[1] == floorCommand {
		err = runFloor(ctx, os.Args[2], os.Args[3])
	} else {
		err = run(ctx, os.Args[1:])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// phases are the parts of a run, in order. The rates that the first phase measures set the load of later phases.
var phases = []struct {
	name    string
	measure func(context.Context, *bench) error
}{
	{"throughput", measureThroughput},
	{"latency", measureHalfLoad},
	{"growth", measureGrowth},
	{"isolation", measureIsolation},
	{"keys", measureKeys},
	{"memory", measureMemory},
}

func run(ctx context.Context, args []string) error {
	b := &bench{values: map[string][]float64{}}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.IntVar(&b.rounds, "rounds", 5, "number of measurements of each figure")
	flags.DurationVar(&b.duration, "duration", 2*time.Second, "how long each measurement sends events")
	flags.BoolVar(&b.long, "long", false, "also measure with 1,000,000 waiting events, and 10,000,000 and 100,000,000 remembered keys; takes about an hour")
	output := flags.String("json", "", "file to which all measured values are written")
	only := flags.String("phase", "", "run this phase only: throughput, latency, growth, isolation, keys or memory; latency and isolation need the rates of throughput, which then runs too")
	if err := flags.Parse(args); err != nil {
		return err
	}
	directory, err := os.MkdirTemp("", "doorbell-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(directory) }()
	b.directory = directory
	if err := b.build(ctx); err != nil {
		return err
	}
	var problems error
	for _, phase := range phases {
		needed := phase.name == "throughput" && (*only == "latency" || *only == "isolation")
		if *only != "" && *only != phase.name && !needed {
			continue
		}
		began := time.Now()
		if err := phase.measure(ctx, b); err != nil {
			problems = errors.Join(problems, fmt.Errorf("%s: %w", phase.name, err))
		}
		fmt.Fprintf(os.Stderr, "%s: %.0f s\n", phase.name, time.Since(began).Seconds())
	}
	if *output != "" {
		if err := b.writeJSON(*output); err != nil {
			return err
		}
	}
	return errors.Join(problems, b.writeTable(os.Stdout))
}

// bench is one run.
type bench struct {
	rounds   int
	duration time.Duration
	long     bool

	directory      string // for programs, configuration and data; deleted at the end
	ingest, self   string // the paths of the programs
	bento          string // empty if it cannot be built
	bentoDirectory string // the module of Bento

	values map[string][]float64 // by the ID of the figure, one value a round
}
