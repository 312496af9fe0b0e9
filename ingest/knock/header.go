// SPDX-License-Identifier: Apache-2.0

package knock

// sharedHeader holds the header fields that all calls with one API key have in common.
type sharedHeader struct {
	key    string
	fields []headerField
}

type headerField struct {
	name   string
	values []string
}

// jsonType is the value of the Content-Type header.
var jsonType = []string{"application/json"}

// sharedHeader returns the header fields for an API key. It makes them once for each key.
func (c *Client) sharedHeader(key string) *sharedHeader {
	if latest := c.header.Load(); latest != nil && latest.key == key {
		return latest
	}
	h := &sharedHeader{key: key}
	h.add("Accept", "application/json")
	if key != "" {
		h.add("Authorization", "Bearer "+key)
	}
	h.add("User-Agent", c.config.UserAgent)
	h.add("X-Knock-Branch", c.config.Branch)
	c.header.Store(h)
	return h
}

// add adds a field unless its value is empty.
func (h *sharedHeader) add(name, value string) {
	if value != "" {
		h.fields = append(h.fields, headerField{name, []string{value}})
	}
}
