// SPDX-License-Identifier: Apache-2.0

package eventlog

import _ "embed" // embeds the script

//go:embed lua/append.lua
var appendSource string
