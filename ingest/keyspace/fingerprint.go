// SPDX-License-Identifier: Apache-2.0

package keyspace

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strconv"
)

// dedupeSets is the number of sets, over all shards, among which the keys of the dedupe window are spread. Ten million keys make
// about 150 members a set, well below the 512 up to which Redis stores a set of integers in 8 bytes a member
// (set-max-intset-entries).
const dedupeSets = 1 << 16

// A member of a dedupe set is, in decimal, a number of 16 digits that represents the key, then three digits that represent the
// bucket of time. Such a number is below 2⁶³, so that Redis stores the set as integers. With 53 bits for the key and 150 members a
// set, Doorbell mistakes one new key in 50,000,000,000,000 for a known one.
const (
	memberFirst = 1_000_000_000_000_000
	memberCount = 8_000_000_000_000_000
)

// Fingerprint represents one event type and idempotency key in Redis.
type Fingerprint struct {
	// Name is the field of the in-flight index: 128 bits.
	Name string
	// Set names the set of the dedupe window that stores the key once the event is finished.
	Set string
	// Member is the first 16 digits of the key's integer in that set.
	Member string
}

// Fingerprint returns the fingerprint of an event's type and idempotency key. The length of the type is hashed first, so that two
// different pairs never make the same text.
func (s Space) Fingerprint(eventType, key string) Fingerprint {
	sum := digest(strconv.Itoa(len(eventType)) + ":" + eventType + key)
	setsPerShard := uint64(max(dedupeSets/s.shards, 1))
	return Fingerprint{
		Name:   sum.name(),
		Set:    strconv.FormatUint(sum.shardBits()%setsPerShard, 36),
		Member: strconv.FormatUint(memberFirst+sum.memberBits()%memberCount, 10),
	}
}

// digest hashes a text. The hash is cryptographic, so that a sender cannot produce collisions or put many keys into one set.
func digest(s string) hash { return sha256.Sum256([]byte(s)) }

type hash [sha256.Size]byte

func (h hash) name() string       { return base64.RawURLEncoding.EncodeToString(h[:16]) }
func (h hash) memberBits() uint64 { return binary.BigEndian.Uint64(h[:8]) }
func (h hash) shardBits() uint64  { return binary.BigEndian.Uint64(h[16:24]) }
