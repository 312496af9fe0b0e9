// SPDX-License-Identifier: Apache-2.0

// Package crd embeds the generated CustomResourceDefinitions, for whoever checks manifests without a cluster.
package crd

import (
	"embed"
	"io/fs"
)

//go:embed doorbell.dev_*.yaml
var manifests embed.FS

// Manifests holds one YAML file for each CustomResourceDefinition.
func Manifests() fs.FS { return manifests }
