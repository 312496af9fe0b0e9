// SPDX-License-Identifier: Apache-2.0

package keyspace

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strconv"
)

// dedupeSets is the number of sets, over all shards, in which Doorbell stores the keys of the dedupe window. With ten
// million keys, a set has about 150 members. That is well below the 512 up to which Redis stores a set of integers in 8
// bytes a member (set-max-intset-entries).
const dedupeSets = 1 << 16

// A member of a dedupe set is a decimal number. Its first 16 digits represent the idempotency key, and its last three
// digits represent the bucket in which the event was received. The number is below 2⁶³, so that Redis stores the set as
// integers. memberCount is about 2⁵³. With 150 members in a set, Doorbell mistakes one new key in 50,000,000,000,000
// for a known one.
const (
	memberFirst = 1_000_000_000_000_000
	memberCount = 8_000_000_000_000_000
)

// Fingerprint represents one event type and idempotency key in Redis.
type Fingerprint struct {
	// Name is the name of the key's field in the in-flight index: 128 bits of the hash, in Base64.
	Name string
	// Set names the set of the dedupe window that stores the key once the event is finished.
	Set string
	// Member is the first 16 digits of each member that represents the key in this set. Three digits for the bucket
	// follow.
	Member string
}

// Fingerprint returns the fingerprint of an event's type and idempotency key. It hashes the length of the type first,
// so that two different pairs never result in the same text.
func (s Space) Fingerprint(eventType, key string) Fingerprint {
	sum := digest(strconv.Itoa(len(eventType)) + ":" + eventType + key)
	setsPerShard := uint64(max(dedupeSets/s.shards, 1))
	return Fingerprint{
		Name:   sum.name(),
		Set:    strconv.FormatUint(sum.shardBits()%setsPerShard, 36),
		Member: strconv.FormatUint(memberFirst+sum.memberBits()%memberCount, 10),
	}
}

// digest hashes a text. The hash is cryptographic, so that a sender cannot produce collisions or put many keys into one
// set.
func digest(s string) hash { return sha256.Sum256([]byte(s)) }

type hash [sha256.Size]byte

func (h hash) name() string       { return base64.RawURLEncoding.EncodeToString(h[:16]) }
func (h hash) memberBits() uint64 { return binary.BigEndian.Uint64(h[:8]) }
func (h hash) shardBits() uint64  { return binary.BigEndian.Uint64(h[16:24]) }
