// SPDX-License-Identifier: Apache-2.0

package keyspace

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strconv"
)

// buckets is into how many sets, over all shards, the remembered keys are split. At ten million keys a set has about 150 members,
// well below the 512 up to which Redis stores integers in 8 bytes each (set-max-intset-entries).
const buckets = 1 << 16

// A member is, in decimal, a number of 16 digits that stands for the key, then three digits for the slice of time: together they
// stay below 2⁶³, so that Redis keeps the set as integers. With 53 bits for the key, and 150 members to a set, one new key in
// 50,000,000,000,000 is taken for a known one.
const (
	memberFirst = 1_000_000_000_000_000
	memberCount = 8_000_000_000_000_000
)

// Fingerprint stands for one event type and key in Redis.
type Fingerprint struct {
	// Name is a field of the pending hash: 128 bits.
	Name string
	// Bucket and Member place it among the remembered keys: a set, and the first 16 digits of an integer in it.
	Bucket, Member string
}

// Fingerprint is that of an event's type and idempotency key. The type cannot hold a zero byte that would make two pairs alike:
// its length is hashed first.
func (s Space) Fingerprint(eventType, key string) Fingerprint {
	sum := digest(strconv.Itoa(len(eventType)) + ":" + eventType + key)
	perShard := uint64(max(buckets/s.shards, 1))
	return Fingerprint{
		Name:   sum.name(),
		Bucket: strconv.FormatUint(sum.shardBits()%perShard, 36),
		Member: strconv.FormatUint(memberFirst+sum.memberBits()%memberCount, 10),
	}
}

// digest is a hash that no sender can steer.
func digest(s string) hash { return sha256.Sum256([]byte(s)) }

type hash [sha256.Size]byte

func (h hash) name() string       { return base64.RawURLEncoding.EncodeToString(h[:16]) }
func (h hash) memberBits() uint64 { return binary.BigEndian.Uint64(h[:8]) }
func (h hash) shardBits() uint64  { return binary.BigEndian.Uint64(h[16:24]) }
