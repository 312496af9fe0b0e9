package inbox_test
import ("testing";"fmt";"time";"strconv";"slices";"os";"strings";"github.com/redis/rueidis";"github.com/doorbell-dev/doorbell/test/redistest";"github.com/doorbell-dev/doorbell/ingest/eventlog";"github.com/doorbell-dev/doorbell/ingest/keyspace")
func TestVariants(t *testing.T) {
	client := redistest.Start(t, "--appendfsync","no").Client(t)
	rd := func(n string) string { b, err := os.ReadFile("lua/"+n+".lua"); if err != nil { t.Fatal(err) }; return string(b) }
	full := eventlog.Prelude()+rd("memory")+rd("accept")
	variants := map[string]string{
		"1full": full,
		"2nosmis": strings.Replace(full, "if remembered(KEYS[key + i], member, endings[i]) then", "if false then", 1),
		"3nosmis,nohget": strings.Replace(strings.Replace(full, "if remembered(KEYS[key + i], member, endings[i]) then", "if false then", 1), "holders[fingerprint] or redis.call('HGET', pending, fingerprint)", "holders[fingerprint]",1),
		"4norpush": strings.Replace(full, "without_memory(redis.pcall('RPUSH', list, at, body))", "false", 1),
		"5return": "return {'accepted'}",
		"6rpushonly": "local k=6\nfor i = 7, #ARGV, 6 do redis.call('RPUSH', KEYS[k], ARGV[i+4]) k = k + 2 end return {'accepted'}",
		"7call": "local k=6\nfor i = 7, #ARGV, 6 do redis.call('RPUSH', KEYS[k], ARGV[i+4]) k = k + 2 end\nfor i = 7, #ARGV, 6 do redis.call('HGET', KEYS[2], ARGV[i+2]) end return {'accepted'}",
	}
	if f, err := os.ReadFile("/tmp/accept2.lua"); err == nil { variants["8new"] = eventlog.Prelude()+rd("memory")+string(f) }
	for _, extra := range []string{"pcall"} { _ = extra
	}
	space := keyspace.New("a/b", 1); sh := space.Shard(0)
	n := int64(0)
	build := func() ([]string, []string) {
		keys := []string{sh.Due(), sh.Pending(), sh.Meta(), sh.Log(), sh.LogIndex()}
		args := []string{"", "0", "10800000:0", "1", "10800000"}
		for range 64 {
			n++
			e := numbered(n)
			l := space.Lane(e.OrderingKey); f := space.Fingerprint(e.Type, e.Key)
			keys = append(keys, sh.Lane(l.Name), sh.Remembered(10800000, f.Bucket))
			args = append(args, "1", e.ID, l.Name, f.Name, f.Member, string(e.Append(nil)))
		}
		return keys, args
	}
	client.Do(t.Context(), client.B().Hset().Key(sh.Meta()).FieldValue().FieldValue("slices", "10800000:0").Build())
	names := []string{}
	for k := range variants { names = append(names, k) }
	slices.Sort(names)
	times := map[string][]time.Duration{}
	scripts := map[string]*rueidis.Lua{}
	for k, v := range variants { scripts[k] = rueidis.NewLuaScript(v) }
	for range 400 {
		for _, k := range names {
			keys, args := build()
			start := time.Now()
			if w, err := scripts[k].Exec(t.Context(), client, keys, args).AsStrSlice(); err != nil || w[0] != "accepted" { t.Fatal(k, w, err) }
			times[k] = append(times[k], time.Since(start))
		}
	}
	for _, k := range names { slices.Sort(times[k]); fmt.Println(k, "min", times[k][0]/64, "p25", times[k][100]/64, "p50", times[k][200]/64) }
	_ = strconv.Itoa
}
