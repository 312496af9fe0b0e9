// SPDX-License-Identifier: Apache-2.0

package eventlog

import _ "embed" // the scripts

//go:embed lua/prelude.lua
var prelude string

//go:embed lua/append.lua
var appendSource string

// Prelude is Lua to put before a script that writes the log in the same step as something else. It defines record, and what that
// needs.
func Prelude() string { return prelude }
