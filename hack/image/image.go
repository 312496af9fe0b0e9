// SPDX-License-Identifier: Apache-2.0

package main

import (
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
)

// user is the numeric user and group of the programs. Kubernetes can check "runAsNonRoot" only for a numeric user.
const user = "65532:65532"

// description is the metadata of an image.
type description struct {
	architecture string // as in GOARCH
	version      string
	revision     string // the Git commit, empty if it is unknown
	created      int64  // seconds since 1970
}

// build returns an image with one layer. The image contains several programs and therefore has no entry point: a pod names the
// program in its command.
func build(programs string, about description) (v1.Image, error) {
	layer, err := layerOf(programs)
	if err != nil {
		return nil, err
	}
	created := v1.Time{Time: time.Unix(about.created, 0).UTC()}
	image, err := mutate.ConfigFile(empty.Image, &v1.ConfigFile{
		OS:           "linux",
		Architecture: about.architecture,
		Created:      created,
		RootFS:       v1.RootFS{Type: "layers"},
		Config: v1.Config{
			User:       user,
			WorkingDir: "/",
			Env:        []string{"PATH=/", "SSL_CERT_FILE=/" + certificates},
			Labels:     about.labels(created),
		},
	})
	if err != nil {
		return nil, err
	}
	return mutate.Append(image, mutate.Addendum{
		Layer:   layer,
		History: v1.History{Created: created, CreatedBy: "hack/image"},
	})
}

// labels returns the labels of the image, with the predefined annotation keys of the OCI image specification.
func (d description) labels(created v1.Time) map[string]string {
	return map[string]string{
		"org.opencontainers.image.title":       "doorbell",
		"org.opencontainers.image.description": "Turns RudderStack events into Knock API calls: in order, once, and without losing any",
		"org.opencontainers.image.source":      "https://github.com/doorbell-dev/doorbell",
		"org.opencontainers.image.licenses":    "Apache-2.0",
		"org.opencontainers.image.version":     d.version,
		"org.opencontainers.image.revision":    d.revision,
		"org.opencontainers.image.created":     created.Format(time.RFC3339),
	}
}
