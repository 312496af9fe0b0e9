// SPDX-License-Identifier: Apache-2.0

package keyspace

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strconv"
)

// A member of a dedupe set is a decimal number that Redis can store as a 64-bit integer: 18 digits of the hash of the
// idempotency key, and the bucket in which the event was received, as a sign and one more digit. memberCount is the
// number of values that the 18 digits can have.
//
// Doorbell mistakes a new key for a known one if its set has a live member with the same 18 digits. A sender cannot
// choose the hash, so a set with m live members causes that with a probability of m/memberCount. Sets have at most
// about 280 members on average (see dedupe.lua). A billion events a day therefore cause about 1e9 × 280 / 8e17, or
// 3.5e-7, false duplicates a day. On the day on which a source grows from nothing to a billion events, Doorbell also
// searches the sets of two earlier layouts, and 8.4e-7 are expected. Both are less than one in a million days. The
// in-flight index adds much less, because it compares 128 bits.
const (
	memberFirst = 100_000_000_000_000_000
	memberCount = 800_000_000_000_000_000
)

// formerSets is the number of sets, over all shards, in which Doorbell 0.1 stores the keys of the dedupe window. Its
// members have 16 digits of the hash, which are the first 16 of the 18 digits.
const formerSets = 1 << 16

// Fingerprint represents one event type and idempotency key in Redis.
type Fingerprint struct {
	// Name is the name of the key's field in the in-flight index: 128 bits of the hash, in Base64.
	Name string
	// Member is the 18 digits of each member that represents the key in a dedupe set.
	Member string

	set uint64 // the remainder of its division by the number of sets is the number of the key's set
}

// Fingerprint returns the fingerprint of an event's type and idempotency key. It hashes the length of the type first,
// so that two different pairs never result in the same text.
func (s Space) Fingerprint(eventType, key string) Fingerprint {
	sum := digest(strconv.Itoa(len(eventType)), ":", eventType, key)
	member := memberFirst + sum.memberBits(memberCount)
	return Fingerprint{Name: sum.name(), Member: strconv.FormatUint(member, 10), set: sum.setBits()}
}

// digest hashes the parts of a text. The hash is cryptographic, so that a sender cannot produce collisions or put many
// keys into one set.
func digest(parts ...string) hash {
	var memory [256]byte // most texts fit, so that hashing them allocates nothing
	text := memory[:0]
	for _, part := range parts {
		text = append(text, part...)
	}
	return sha256.Sum256(text)
}

type hash [sha256.Size]byte

func (h hash) name() string { return base64.RawURLEncoding.EncodeToString(h[:16]) }

// memberBits returns a number below count, which must be a multiple of 100. Its digits but the last two come from the
// same bytes as in Doorbell 0.1.
func (h hash) memberBits(count uint64) uint64 {
	return binary.BigEndian.Uint64(h[:8])%(count/100)*100 + binary.BigEndian.Uint64(h[8:16])%100
}

func (h hash) setBits() uint64   { return binary.BigEndian.Uint64(h[16:24]) }
func (h hash) shardBits() uint64 { return h.setBits() }
