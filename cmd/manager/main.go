// SPDX-License-Identifier: Apache-2.0

// Command manager is Doorbell's operator: it makes Sources and ActionMappings run.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"

	"go.uber.org/zap/zapcore"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
)

// version is stamped by the build.
var version = "dev"

func main() {
	if err := run(ctrl.SetupSignalHandler(), os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "manager:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	logging := zap.Options{TimeEncoder: zapcore.RFC3339TimeEncoder}
	flags := flag.NewFlagSet("manager", flag.ContinueOnError)
	settings := bind(flags)
	logging.BindFlags(flags)
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("%q: no arguments are taken, only flags", flags.Arg(0))
	}
	if err := settings.check(); err != nil {
		return err
	}
	log := zap.New(zap.UseFlagOptions(&logging))
	ctrl.SetLogger(log)
	log.Info("starting", "version", version, "image", settings.image)
	return manage(ctx, settings)
}
