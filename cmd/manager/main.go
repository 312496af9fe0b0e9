// SPDX-License-Identifier: Apache-2.0

// Command manager is Doorbell's operator: it runs the controllers of Sources and ActionMappings. It parses flags, sets up logging and
// starts the controllers; what they do is in package controllers.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"

	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
)

// version is set by the build.
var version = "dev"

func main() {
	if err := run(ctrl.SetupSignalHandler(), os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "manager:", err)
		os.Exit(1)
	}
}

// run parses the flags and runs the manager until ctx ends.
func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("manager", flag.ContinueOnError)
	settings := bind(flags)
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q: the manager is configured by flags only", flags.Arg(0))
	}
	if err := settings.check(); err != nil {
		return err
	}
	log := settings.logger(os.Stderr)
	ctrl.SetLogger(log)
	klog.SetLogger(log) // client-go logs through klog
	log.Info("Starting the manager", "version", version, "image", settings.image)
	return manage(ctx, settings)
}
