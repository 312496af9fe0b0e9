package inbox_test
import ("testing";"strings";"github.com/doorbell-dev/doorbell/ingest/inbox")
func stats(b *testing.B, in *inbox.Inbox) {
	c := in.Client()
	s, _ := c.Do(b.Context(), c.B().Info().Section("all").Build()).ToString()
	for _, l := range strings.Split(s, "\n") { if strings.Contains(l, "cmdstat_") || strings.Contains(l,"used_cpu_") { println(l) } }
}
