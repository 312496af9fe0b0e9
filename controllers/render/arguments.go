// SPDX-License-Identifier: Apache-2.0

package render

import (
	"fmt"
	"strings"

	"github.com/doorbell-dev/doorbell/api/v1alpha1"
	"github.com/doorbell-dev/doorbell/ingest/layout"
)

// drainSeconds is how long a pod that received SIGTERM still accepts requests. It closes each connection after the response.
const drainSeconds = 5

// podUID is the environment variable with the UID of the pod. If the container restarts, it recognizes by the UID the leases of its
// former process and takes them over at once, instead of waiting until they expire.
const podUID = "POD_UID"

// arguments returns the arguments of cmd/ingest. A change of them restarts the pods, so they contain only settings that the process
// cannot change while it runs; all other settings are in the compiled document.
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
	if external.MinReplicas != 0 {
		arguments = append(arguments, fmt.Sprintf("--redis-min-replicas=%d", external.MinReplicas))
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
