// SPDX-License-Identifier: Apache-2.0

package keyspace

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strconv"
)

// buckets is into how many sets, over all shards, a slice of time is split. It is chosen so that at ten million keys, evenly
// spread or not, a set stays below the 512 members up to which Redis stores integers in 8 bytes each (set-max-intset-entries).
const buckets = 8192

// Fingerprint stands for one event type and key in Redis.
type Fingerprint struct {
	// Name is a field of the pending hash: 128 bits.
	Name string
	// Bucket and Member place it among the remembered keys: a set, and a 64-bit integer in it.
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
		Member: strconv.FormatInt(int64(sum.memberBits()), 10),
	}
}

// digest is a hash that no sender can steer.
func digest(s string) hash { return sha256.Sum256([]byte(s)) }

type hash [sha256.Size]byte

func (h hash) name() string       { return base64.RawURLEncoding.EncodeToString(h[:16]) }
func (h hash) memberBits() uint64 { return binary.BigEndian.Uint64(h[:8]) }
func (h hash) shardBits() uint64  { return binary.BigEndian.Uint64(h[16:24]) }
