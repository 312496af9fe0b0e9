// SPDX-License-Identifier: Apache-2.0

package redistest

import (
	"context"
	"net"
	"strconv"
	"strings"
	"testing"

	"github.com/redis/rueidis"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/doorbell-dev/doorbell/test/loopback"
)

// slots is the number of hash slots of a Redis Cluster.
const slots = 16384

// StartCluster starts a Redis Cluster with this number of masters and no replicas, and returns when every node knows the whole
// cluster. args are added to the command line of each node.
func StartCluster(tb testing.TB, nodes int, args ...string) []*Server {
	tb.Helper()
	all, buses := make([]*Server, nodes), make([]int64, nodes)
	clients := make([]rueidis.Client, nodes)
	for i := range all {
		bus, _ := splitAddr(loopback.FreeAddress(tb)) // the default, the port plus 10,000, may be above 65,535
		buses[i] = bus
		all[i] = Start(tb, append([]string{"--cluster-enabled", "yes", "--cluster-port", strconv.FormatInt(bus, 10)}, args...)...)
		clients[i] = all[i].singleClient(tb, "")
	}
	for i, client := range clients {
		port, host := splitAddr(all[i].Addr)
		meet := clients[0].B().ClusterMeet().Ip(host).Port(port).ClusterBusPort(buses[i]).Build()
		own := client.B().ClusterAddslotsrange().StartSlotEndSlot().
			StartSlotEndSlot(int64(i*slots/nodes), int64((i+1)*slots/nodes-1)).Build()
		for _, err := range []error{client.Do(tb.Context(), own).Error(), clients[0].Do(tb.Context(), meet).Error()} {
			if err != nil {
				tb.Fatalf("redistest: %v", err)
			}
		}
	}
	for _, client := range clients {
		awaitCluster(tb, client)
	}
	return all
}

// awaitCluster waits until a node knows which node has each slot.
func awaitCluster(tb testing.TB, client rueidis.Client) {
	tb.Helper()
	info := ""
	err := wait.PollUntilContextTimeout(tb.Context(), interval, patience, true, func(ctx context.Context) (bool, error) {
		var err error
		info, err = client.Do(ctx, client.B().ClusterInfo().Build()).ToString()
		return strings.Contains(info, "cluster_state:ok") && strings.Contains(info, "cluster_slots_ok:"+strconv.Itoa(slots)), err
	})
	if err != nil {
		tb.Fatalf("redistest: the cluster does not become ready: %v\n%s", err, info)
	}
}

func splitAddr(addr string) (port int64, host string) {
	host, text, _ := net.SplitHostPort(addr)
	port, _ = strconv.ParseInt(text, 10, 64)
	return port, host
}
