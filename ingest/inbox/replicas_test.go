// SPDX-License-Identifier: Apache-2.0

package inbox_test

import (
	"errors"
	"testing"

	"github.com/doorbell-dev/doorbell/ingest/event"
	"github.com/doorbell-dev/doorbell/ingest/inbox"
	"github.com/doorbell-dev/doorbell/ingest/inbox/inboxtest"
	"github.com/doorbell-dev/doorbell/test/redistest"
)

func TestAcceptWaitsForTheDisksOfTheReplicas(t *testing.T) {
	t.Parallel()
	master, replicas := redistest.StartReplicated(t, 2)
	client := master.Client(t)
	b := inboxtest.Open(t, client, inbox.Options{MinReplicas: 2})
	stored := newEvent("u", "1")
	accept(t, b, stored)
	ok(t, client.Do(t.Context(), client.B().ScriptFlush().Build()).Error())
	accept(t, b, newEvent("u", "2"))

	replicas[1].Pause()
	for _, attempt := range []string{"the first attempt", "a repetition"} {
		if _, err := b.Accept(t.Context(), []*event.Event{newEvent("u", "3")}, nil); !errors.Is(err, inbox.ErrUnavailable) {
			t.Errorf("%s while a replica hangs: %v; want ErrUnavailable", attempt, err)
		}
	}
	if got := depth(t, b); got != 3 {
		t.Errorf("%d events are stored; want 3", got)
	}
	replicas[1].Resume()

	if receipts := accept(t, b, newEvent("u", "3"), newEvent("u", "4")); !receipts[0].Duplicate || receipts[1].Duplicate {
		t.Errorf("%+v; want a duplicate and a new event", receipts)
	}
	promoted := replicas[0].Client(t)
	ok(t, promoted.Do(t.Context(), promoted.B().Replicaof().No().One().Build()).Error())
	if got := depth(t, inboxtest.Open(t, promoted, inbox.Options{})); got != 4 {
		t.Errorf("the replica has %d events; want 4", got)
	}
}

func TestAcceptWaitsForTheReplicasOfARedisCluster(t *testing.T) {
	t.Parallel()
	master, replica := redistest.StartReplicatedCluster(t)
	b := inboxtest.Open(t, master.Client(t), inbox.Options{Shards: 16, MinReplicas: 1})
	accept(t, b, newEvent("u", "1"), newEvent("v", "2"), newEvent("w", "3"))
	replica.Pause()
	if _, err := b.Accept(t.Context(), []*event.Event{newEvent("u", "4")}, nil); !errors.Is(err, inbox.ErrUnavailable) {
		t.Errorf("Accept while the replica hangs: %v; want ErrUnavailable", err)
	}
	replica.Resume()
	if receipts := accept(t, b, newEvent("u", "4")); !receipts[0].Duplicate {
		t.Errorf("%+v; want a duplicate", receipts)
	}
}

// Redis executes the second Replay too, although the dead letter is gone.
func TestReplayWaitsForTheDisksOfTheReplicas(t *testing.T) {
	t.Parallel()
	master, replicas := redistest.StartReplicated(t, 1)
	b := inboxtest.Open(t, master.Client(t), inbox.Options{MinReplicas: 1})
	accept(t, b, newEvent("u", "1"))
	ok(t, b.DeadLetter(t.Context(), claimOne(t, b), nil, nil))
	letters, _, err := b.DeadLetters(t.Context(), "", 1)
	ok(t, err)

	replicas[0].Pause()
	for range 2 {
		if _, _, err := b.Replay(t.Context(), &letters[0], nil); !errors.Is(err, inbox.ErrUnavailable) {
			t.Errorf("Replay while the replica hangs: %v; want ErrUnavailable", err)
		}
	}
	replicas[0].Resume()
	if _, found, err := b.Replay(t.Context(), &letters[0], nil); found || err != nil {
		t.Errorf("%t, %v; want false, because the first call replayed the dead letter", found, err)
	}
	if got := depth(t, b); got != 1 {
		t.Errorf("%d events are stored; want 1", got)
	}
}

func TestAcceptFailsWithoutReplicasThatCouldConfirm(t *testing.T) {
	t.Parallel()
	b := inboxtest.Open(t, redistest.Start(t).Client(t), inbox.Options{MinReplicas: 1})
	if _, err := b.Accept(t.Context(), []*event.Event{newEvent("u", "1")}, nil); !errors.Is(err, inbox.ErrUnavailable) {
		t.Errorf("%v; want ErrUnavailable", err)
	}
}
