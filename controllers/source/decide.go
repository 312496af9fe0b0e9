// SPDX-License-Identifier: Apache-2.0

package source

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/doorbell-dev/doorbell/controllers/condition"
	"github.com/doorbell-dev/doorbell/controllers/render"
)

// decided is the result of decide: what the cluster should contain.
type decided struct {
	compiled *compiled
	tokens   tokens
	redis    render.RedisCredentials // empty if the Source uses an external Redis
	// invalid contains the problems in the user's input, except the problems that the compiler reports.
	invalid []*condition.Problem
}

// decide works out what the cluster should contain. It reads and writes nothing outside its arguments.
func (r *Reconciler) decide(seen *observed) *decided {
	next, invalid := seen.nextTokens(r.NewToken)
	return &decided{
		compiled: r.Compiler.compile(seen.source, seen.mappings),
		tokens:   next,
		redis:    seen.redisCredentials(r.NewToken),
		invalid:  invalid,
	}
}

// redisCredentials returns the credentials of the managed Redis: the stored ones, or new ones with a password from fresh.
func (o *observed) redisCredentials(fresh func() string) render.RedisCredentials {
	if o.source.Spec.Redis.External != nil {
		return render.RedisCredentials{}
	}
	if secret := o.secrets.redis; secret != nil {
		username, password := string(secret.Data[render.RedisUsernameKey]), string(secret.Data[render.RedisPasswordKey])
		if username != "" && password != "" {
			return render.RedisCredentials{Username: username, Password: password}
		}
	}
	return render.RedisCredentials{Username: "doorbell", Password: fresh()}
}

// revision returns a hash of everything that is mounted into the ingest pods.
func revision(seen *observed, decided *decided) string {
	hash, t := sha256.New(), decided.tokens
	fmt.Fprintln(hash, decided.compiled.version(), t.current, t.previous, t.until.Unix(), decided.redis.Password, seen.secrets.versions)
	return hex.EncodeToString(hash.Sum(nil)[:8])
}
