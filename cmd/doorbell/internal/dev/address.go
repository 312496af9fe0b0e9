// SPDX-License-Identifier: Apache-2.0

package dev

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// addresses derives the ingestion URL of each source from a seed, so that the URLs stay the same across restarts.
type addresses struct {
	base string // http://HOST:PORT
	seed []byte
}

// token returns the last segment of the source's URL: 144 bits that nobody can guess without the seed.
func (a addresses) token(ref string) string { return a.derive("token", ref, 18) }

// url returns the ingestion URL of a source.
func (a addresses) url(ref string) string { return a.base + "/" + ref + "/" + a.token(ref) }

// owner returns the name under which this user's process at this address holds leases. It is the same after a crash, so the
// next process takes over the leases at once.
func (a addresses) owner() string { return "dev-" + a.derive("owner", a.base, 9) + "-" }

func (a addresses) derive(purpose, of string, size int) string {
	mac := hmac.New(sha256.New, a.seed)
	mac.Write([]byte(purpose + " " + of))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:size])
}

// checkKnockURL applies the rules of spec.knock.baseURL to the flag --knock-url. An empty text is valid.
func checkKnockURL(text string) error {
	if text == "" {
		return nil
	}
	parsed, err := url.Parse(text)
	switch {
	case err != nil, parsed.Scheme != "http" && parsed.Scheme != "https", parsed.Host == "", strings.ContainsAny(text, "?#@"):
		return fmt.Errorf("%q is not an http or https URL without user, query or fragment, such as https://api.knock.app", text)
	case strings.HasSuffix(strings.TrimRight(text, "/"), "/v1"):
		return fmt.Errorf("%q ends in /v1; remove it, because Doorbell adds it", text)
	default:
		return nil
	}
}

// baseURL returns the URL at which a client on this machine reaches the listener.
func baseURL(address net.Addr) string {
	host, port, err := net.SplitHostPort(address.String())
	if err != nil {
		return "http://" + address.String()
	}
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port)
}

const seedSize = 32

// loadSeed reads the seed from the user's configuration directory, or creates it on the first run.
func loadSeed() ([]byte, error) {
	directory, err := os.UserConfigDir()
	if err != nil {
		return nil, fmt.Errorf("find the directory for the seed of the URLs: %w; set HOME or XDG_CONFIG_HOME", err)
	}
	path := filepath.Join(directory, "doorbell", "dev-seed")
	seed, err := readSeed(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return seed, err
	}
	if err := createSeed(path); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("store the seed of the URLs: %w", err)
	}
	return readSeed(path)
}

func readSeed(path string) ([]byte, error) {
	text, err := os.ReadFile(path) //nolint:gosec // a fixed name in the user's own directory
	if err != nil {
		return nil, err
	}
	seed, err := hex.DecodeString(string(bytes.TrimSpace(text)))
	if err != nil || len(seed) != seedSize {
		return nil, fmt.Errorf("%s is not a seed of %d bytes in hexadecimal; delete it to get a new seed, and new URLs", path, seedSize)
	}
	return seed, nil
}

// createSeed writes a new seed atomically. It fails with fs.ErrExist if another process has created the file.
func createSeed(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	seed := make([]byte, seedSize)
	_, _ = rand.Read(seed) // never fails
	draft, err := os.CreateTemp(filepath.Dir(path), "dev-seed-*")
	if err != nil {
		return err
	}
	defer os.Remove(draft.Name())
	_, err = fmt.Fprintln(draft, hex.EncodeToString(seed))
	if err := errors.Join(err, draft.Close()); err != nil {
		return err
	}
	return os.Link(draft.Name(), path)
}
