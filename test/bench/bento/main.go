// SPDX-License-Identifier: Apache-2.0

// Command bento is Bento with the few components that the benchmark needs. It is a module of its own, so that its
// dependencies stay out of Doorbell's go.mod.
package main

import (
	"context"

	_ "github.com/warpstreamlabs/bento/public/components/io"
	_ "github.com/warpstreamlabs/bento/public/components/prometheus"
	_ "github.com/warpstreamlabs/bento/public/components/pure"
	_ "github.com/warpstreamlabs/bento/public/components/redis"
	"github.com/warpstreamlabs/bento/public/service"
)

func main() { service.RunCLI(context.Background()) }
