// SPDX-License-Identifier: Apache-2.0

package keyspace

// Access is what a Redis ACL user for Doorbell needs and nothing more, as rules for an ACL file or ACL SETUSER:
//
//   - Doorbell's own keys, no channels
//   - for the connection: AUTH, HELLO, SELECT, CLIENT SETNAME, PING, and in a Redis Cluster its topology
//   - for the report on durability: INFO and CONFIG GET
//   - what the inbox, its scripts and the event log call
//
// Redis 7.0 does not start with rules that name a command it does not know, so CLIENT SETINFO, which is newer, is neither here nor
// sent.
const Access = "resetkeys ~doorbell:* resetchannels -@all " + connectionCommands + " " + dataCommands

const (
	connectionCommands = "+auth +hello +select +client|setname +ping +info +config|get " +
		"+cluster|slots +cluster|shards +readonly +asking"
	dataCommands = "+eval +evalsha +time +del +exists +pexpire +get +set " +
		"+hget +hmget +hgetall +hset +hdel +hincrby +rpush +lpop +lrange " +
		"+sadd +srem +smembers +smismember " +
		"+zadd +zrem +zcard +zscore +zrange +zrangebyscore +zrevrangebyscore +zpopmin"
)
