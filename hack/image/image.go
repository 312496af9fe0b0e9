// SPDX-License-Identifier: Apache-2.0

package main

import (
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
)

// user is who the programs run as, by number so that "runAsNonRoot" can be checked.
const user = "65532:65532"

// description is what an image says of itself.
type description struct {
	architecture      string
	version, revision string
	created           int64
}

// build makes an image of one layer. It has no entry point: whoever runs it names the program.
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

// labels follow the OCI image specification's list of annotations.
func (d description) labels(created v1.Time) map[string]string {
	return map[string]string{
		"org.opencontainers.image.title":       "doorbell",
		"org.opencontainers.image.description": "RudderStack events into Knock calls: in order, once, and never lost",
		"org.opencontainers.image.source":      "https://github.com/doorbell-dev/doorbell",
		"org.opencontainers.image.licenses":    "Apache-2.0",
		"org.opencontainers.image.version":     d.version,
		"org.opencontainers.image.revision":    d.revision,
		"org.opencontainers.image.created":     created.Format(time.RFC3339),
	}
}
