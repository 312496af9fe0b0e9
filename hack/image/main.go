// SPDX-License-Identifier: Apache-2.0

// Command image builds a container image without a container engine. It writes an archive for "docker load", "kind load
// image-archive" or "ctr images import". The same programs and flags always give the same bytes. hack/image.sh runs it for the
// Doorbell image, hack/e2e.sh for the fake Knock of the end-to-end tests.
package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "image:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	var about description
	flags := flag.NewFlagSet("image", flag.ContinueOnError)
	tag := flags.String("name", "", "name of the image, with a tag")
	programs := flags.String("programs", "", "directory with the programs; the image contains each one as /NAME")
	output := flags.String("output", "", "path of the archive to write")
	flags.StringVar(&about.architecture, "architecture", "", "architecture of the programs, such as amd64")
	flags.StringVar(&about.version, "version", "", "version of the programs")
	flags.StringVar(&about.revision, "revision", "", "Git commit of the programs")
	flags.Int64Var(&about.created, "created", 0, "time of that commit, in seconds since 1970")
	if err := flags.Parse(args); err != nil {
		return err
	}

	reference, err := name.NewTag(*tag)
	if err != nil {
		return fmt.Errorf("invalid -name %q: %w; write registry/repository:tag", *tag, err)
	}
	image, err := build(*programs, about)
	if err != nil {
		return err
	}
	return tarball.WriteToFile(*output, reference, image)
}
