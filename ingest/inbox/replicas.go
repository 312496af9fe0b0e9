// SPDX-License-Identifier: Apache-2.0

package inbox

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/rueidis"
)

const (
	// replicaTimeout is how long a call waits until the replicas have written its changes to disk.
	replicaTimeout = 2 * time.Second
	// firstWait and longestWait are the timeouts of the first WAITAOF of a call and of the later ones. A replica usually
	// replies to WAITAOF before it has synced the writes that arrived with it, and reports the sync only when it is
	// asked again, or within a second.
	firstWait   = 2 * time.Millisecond
	longestWait = 50 * time.Millisecond
)

// confirmedField is a field of the meta hash. confirm writes it so that its connection has a write of its own.
const confirmedField = "confirmed"

// runDurably calls the script and waits until its changes are on the disks of Redis and of as many replicas as
// Options.MinReplicas says. If the script changes nothing because an earlier call made the change, runDurably waits for
// that change. It returns ErrUnavailable if the replicas do not confirm in time; Redis has then executed the script.
func (b *Inbox) runDurably(ctx context.Context, s *shard, script script, keys, args []string) (string, []string, error) {
	if b.minReplicas == 0 {
		return script.run(ctx, b.client, keys, args)
	}
	// WAITAOF waits for the writes of its own connection, and nothing else may wait behind it.
	client, release := b.client.Dedicate()
	defer release()
	numKeys := int64(len(keys))
	reply, confirmed := b.confirm(ctx, s, client,
		client.B().Evalsha().Sha1(script.sha1).Numkeys(numKeys).Key(keys...).Arg(args...).Build())
	if failed, is := rueidis.IsRedisErr(reply.Error()); is && failed.IsNoScript() {
		reply, confirmed = b.confirm(ctx, s, client,
			client.B().Eval().Script(script.text).Numkeys(numKeys).Key(keys...).Arg(args...).Build())
	}
	word, rest, err := script.read(reply)
	if err == nil && confirmed != nil {
		err = failure(script.name, confirmed)
	}
	return word, rest, err
}

// confirm sends the call of a script, and waits until its changes and all earlier changes of this server are on the
// disks of the server and of the replicas. It returns the script's reply, and an error if the replicas did not confirm.
//
// WAITAOF returns at once if its connection has written nothing. A script that only finds duplicates writes nothing, so
// confirm writes a field after the script.
func (b *Inbox) confirm(ctx context.Context, s *shard, client rueidis.DedicatedClient, call rueidis.Completed) (rueidis.RedisResult, error) {
	write := client.B().Hset().Key(s.keys.Meta()).FieldValue().FieldValue(confirmedField, "1").Build()
	until := time.Now().Add(replicaTimeout) //nolint:forbidigo // the process's monotonic clock
	replies := client.DoMulti(ctx, call, write, b.waitCommand(client, firstWait))
	if err := replies[1].Error(); err != nil {
		return replies[0], err
	}
	reply := replies[2]
	for timeout := 2 * firstWait; ; timeout = min(2*timeout, longestWait) {
		counts, err := reply.AsIntSlice() // the number of local disks and of replicas that have the changes
		switch {
		case err != nil:
			return replies[0], err
		case len(counts) == 2 && counts[0] >= 1 && counts[1] >= b.minReplicas:
			return replies[0], nil
		case time.Now().After(until): //nolint:forbidigo // as above
			return replies[0], fmt.Errorf("not on the disks of Redis and %d replicas within %s: WAITAOF returned %v", b.minReplicas, replicaTimeout, counts)
		}
		reply = client.Do(ctx, b.waitCommand(client, timeout))
	}
}

func (b *Inbox) waitCommand(client rueidis.DedicatedClient, timeout time.Duration) rueidis.Completed {
	return client.B().Waitaof().Numlocal(1).Numreplicas(b.minReplicas).Timeout(timeout.Milliseconds()).Build()
}
