// SPDX-License-Identifier: Apache-2.0

package report

import (
	"crypto/sha256"
	"encoding/hex"
)

// TokenHash returns the hash that a process reports for a token that it accepts: the first 8 hexadecimal digits of the
// token's SHA-256. They are enough to recognise a known token and too few to reveal an unknown one.
func TokenHash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:4])
}
