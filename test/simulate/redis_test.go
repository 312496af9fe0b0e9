// SPDX-License-Identifier: Apache-2.0

package simulate_test

import (
	"bufio"
	"net"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/proto"
)

// redisServer is the Redis of a schedule: miniredis behind a proxy that makes connections fail. The proxy runs the
// commands of a connection one after another. It delays or loses whole commands and replies, never parts of them.
type redisServer struct {
	world *world
	mini  *miniredis.Miniredis

	mu      sync.Mutex // one command at a time, as in Redis
	offset  time.Duration
	scripts map[string]string // name by hash
	texts   map[string]string // text by hash
}

func newRedisServer(w *world) *redisServer {
	r := &redisServer{world: w, mini: miniredis.NewMiniRedis(), scripts: map[string]string{}, texts: map[string]string{}}
	r.mini.ClockTTL(true)
	return r
}

// jump moves Redis's clock.
func (r *redisServer) jump(by time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.offset += by
}

func (r *redisServer) clockOffset() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.offset
}

// dial returns a connection for a process.
func (r *redisServer) dial(p *process) (net.Conn, error) {
	client, server := net.Pipe()
	upstream, err := r.mini.Dial()
	if err != nil {
		return nil, err
	}
	r.world.background.Go(func() { r.serve(p, server, upstream) })
	return p.network.add(client)
}

// serve runs the commands of one connection until the connection ends or a fault cuts it.
func (r *redisServer) serve(p *process, server, upstream net.Conn) {
	defer server.Close()
	defer upstream.Close()
	commands, replies := bufio.NewReader(server), bufio.NewReader(upstream)
	for {
		command, err := proto.Read(commands)
		if err != nil {
			return
		}
		args, err := proto.ReadStrings(command)
		if err != nil || len(args) == 0 {
			return
		}
		reply, ok := r.exchange(p, args, upstream, replies)
		if !ok {
			return
		}
		if _, err := server.Write([]byte(reply)); err != nil {
			return
		}
	}
}

// exchange runs a command with the fault that the seed determines for it. It reports whether the connection is still
// open.
func (r *redisServer) exchange(p *process, args []string, upstream net.Conn, replies *bufio.Reader) (string, bool) {
	name := r.name(args)
	fault := p.redisFault(name)
	if *trace {
		r.world.history.add("redis   %s %s", p.name, name)
	}
	time.Sleep(fault.before)
	if fault.dies {
		defer p.kill("at " + name)
	}
	if fault.cut == cutBefore {
		return "", false
	}
	reply, err := r.run(p, name, args, upstream, replies)
	if err != nil {
		return "", false
	}
	time.Sleep(fault.after)
	return reply, fault.cut != cutAfter
}

func (r *redisServer) run(p *process, name string, args []string, upstream net.Conn, replies *bufio.Reader) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mini.SetTime(time.Now().Add(r.offset))
	if broken := r.world.broken; broken.script != nil && len(args) > 1 && strings.HasPrefix(args[0], "EVAL") {
		if text, ok := r.texts[args[1]]; ok {
			args = append([]string{"EVAL", broken.script(name, text)}, args[2:]...)
		}
	}
	if err := proto.Write(upstream, args); err != nil {
		return "", err
	}
	if name == "claim" {
		p.claimed.Do(func() { r.world.addFirstClaim() })
	}
	return proto.Read(replies)
}

var scriptHeader = regexp.MustCompile(`(?m)^-- ([a-z_]+): `)

// name returns the name of the script that a command runs, or the command. Scripts are known by the header of their
// file.
func (r *redisServer) name(args []string) string {
	command := strings.ToUpper(args[0])
	if len(args) < 2 || !strings.HasPrefix(command, "EVAL") {
		return command
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if command == "EVALSHA" {
		return r.scripts[args[1]]
	}
	text := args[1]
	before, _, _ := strings.Cut(text, "\n-- KEYS[1]")
	found := scriptHeader.FindAllStringSubmatch(before, -1)
	name := "script"
	if len(found) > 0 {
		name = found[len(found)-1][1]
	}
	hash := sha1Hex(text)
	r.scripts[hash], r.texts[hash], r.texts[text] = name, text, text
	return name
}
