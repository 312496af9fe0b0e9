// SPDX-License-Identifier: Apache-2.0

// Command image writes a container image as an archive that "docker load", "kind load image-archive" and "ctr images
// import" take, without a container engine. The same programs and flags make the same bytes. hack/image.sh calls it.
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
	tag := flags.String("name", "", "the image's name, with a tag")
	programs := flags.String("programs", "", "the folder with the programs; each becomes /NAME")
	output := flags.String("output", "", "the archive to write")
	flags.StringVar(&about.architecture, "architecture", "", "what the programs were built for, such as amd64")
	flags.StringVar(&about.version, "version", "", "the version of the programs")
	flags.StringVar(&about.revision, "revision", "", "the commit that they were built from")
	flags.Int64Var(&about.created, "created", 0, "when that was, in seconds since 1970")
	if err := flags.Parse(args); err != nil {
		return err
	}

	reference, err := name.NewTag(*tag)
	if err != nil {
		return fmt.Errorf("-name %q: %w; write it as registry/repository:tag", *tag, err)
	}
	image, err := build(*programs, about)
	if err != nil {
		return err
	}
	return tarball.WriteToFile(*output, reference, image)
}
