// SPDX-License-Identifier: Apache-2.0

package keyspace

// Access lists the rights that a Redis ACL user for Doorbell needs, and no others, as rules for an ACL file or ACL
// SETUSER:
//
//   - Doorbell's own keys and no channels
//   - for the connection: AUTH, HELLO, SELECT, CLIENT SETNAME, PING, and in a Redis Cluster the commands that read its topology
//   - for the check of Redis's durability: INFO and CONFIG GET
//   - the commands that the inbox, the event log, the event types and their scripts call
//
// Redis does not start if the rules name a command that it does not know. Redis 7.0 does not know CLIENT SETINFO, so
// the rules do not allow it and Doorbell does not send it.
const Access = "resetkeys ~doorbell:* resetchannels -@all " + connectionCommands + " " + dataCommands

const (
	connectionCommands = "+auth +hello +select +client|setname +ping +info +config|get " +
		"+cluster|slots +cluster|shards +readonly +asking"
	dataCommands = "+eval +evalsha +time +del +exists +pexpire +get +set " +
		"+mset +hget +hmget +hgetall +hset +hdel +hincrby +hstrlen +rpush +ltrim +lrange " +
		"+sadd +srem +smembers +smismember " +
		"+zadd +zrem +zcard +zscore +zrange +zrangebyscore +zrevrangebyscore +zpopmin"
)
