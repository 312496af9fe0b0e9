// SPDX-License-Identifier: Apache-2.0

package eventlog

import _ "embed" // embeds the scripts

//go:embed lua/append.lua
var appendSource string

//go:embed lua/sweep.lua
var sweepSource string
