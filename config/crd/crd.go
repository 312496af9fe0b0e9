// SPDX-License-Identifier: Apache-2.0

// Package crd embeds the generated CustomResourceDefinitions. The command line and tests use them to validate manifests
// without a cluster. It never changes or interprets them.
package crd

import (
	"embed"
	"io/fs"
)

//go:embed doorbell.dev_*.yaml
var manifests embed.FS

// Manifests returns a file system with one YAML file for each CustomResourceDefinition.
func Manifests() fs.FS { return manifests }
