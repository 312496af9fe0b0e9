// SPDX-License-Identifier: Apache-2.0

package render

import (
	"fmt"
	"strings"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
	"github.com/doorbell-dev/doorbell/ingest/layout"
)

// drainSeconds is how long a pod that was told to stop goes on taking requests, closing each connection.
const drainSeconds = 5

// podUID is the variable that names the pod: a container that is started again in it goes on at once with what was under way when the
// former one was killed.
const podUID = "POD_UID"

// arguments are cmd/ingest's. A change restarts the pods, so only what they cannot change while they run stands here.
func (r *renderer) arguments() []string {
	arguments := []string{
		"--config=" + layout.ConfigDirectory,
		fmt.Sprintf("--listen=:%d", layout.EventsPort),
		fmt.Sprintf("--admin=:%d", layout.AdminPort),
		fmt.Sprintf("--drain=%ds", drainSeconds),
		"--owner=$(" + podUID + ")",
	}
	external := r.spec.Redis.External
	if external == nil {
		return append(arguments, fmt.Sprintf("--redis-address=%s.%s.svc:%d", RedisName(r.Source), r.Source.Namespace, RedisPort))
	}
	arguments = append(arguments, "--redis-address="+strings.Join(external.Addresses, ","), "--redis-mode="+string(mode(external)))
	if external.MasterName != "" {
		arguments = append(arguments, "--redis-master="+external.MasterName)
	}
	if external.Database != 0 {
		arguments = append(arguments, fmt.Sprintf("--redis-database=%d", external.Database))
	}
	if external.TLS != nil {
		arguments = append(arguments, "--redis-tls")
		if external.TLS.ServerName != "" {
			arguments = append(arguments, "--redis-server-name="+external.TLS.ServerName)
		}
	}
	return arguments
}

func mode(external *v1alpha1.ExternalRedis) v1alpha1.RedisMode {
	if external.Mode == "" {
		return v1alpha1.RedisModeStandalone
	}
	return external.Mode
}
