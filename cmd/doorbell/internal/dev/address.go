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

// addresses gives sources their URLs, which are the same after a restart.
type addresses struct {
	base string // http://HOST:PORT
	seed []byte
}

// token is the last segment of a source's URL: 144 bits that only the seed's owner can know.
func (a addresses) token(ref string) string { return a.derive("token", ref, 18) }

// url is where the sender posts its events.
func (a addresses) url(ref string) string { return a.base + "/" + ref + "/" + a.token(ref) }

// owner names this user's process at this address to Redis, so that it takes over from itself after a crash.
func (a addresses) owner() string { return "dev-" + a.derive("owner", a.base, 9) + "-" }

func (a addresses) derive(purpose, of string, size int) string {
	mac := hmac.New(sha256.New, a.seed)
	mac.Write([]byte(purpose + " " + of))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:size])
}

// checkKnockURL asks of --knock-url what the Source's schema asks of spec.knock.baseURL. Empty is not given.
func checkKnockURL(text string) error {
	if text == "" {
		return nil
	}
	parsed, err := url.Parse(text)
	switch {
	case err != nil, parsed.Scheme != "http" && parsed.Scheme != "https", parsed.Host == "", strings.ContainsAny(text, "?#@"):
		return fmt.Errorf("%q is not an http or https URL without user, query or fragment, such as https://api.knock.app", text)
	case strings.HasSuffix(strings.TrimRight(text, "/"), "/v1"):
		return fmt.Errorf("%q ends in /v1; leave that away: Doorbell adds it", text)
	default:
		return nil
	}
}

// baseURL is how a client on this machine reaches the listener.
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

// loadSeed reads the seed of this user's tokens, or makes it on the first run.
func loadSeed() ([]byte, error) {
	folder, err := os.UserConfigDir()
	if err != nil {
		return nil, fmt.Errorf("no folder to keep the URL's seed in: %w; set HOME or XDG_CONFIG_HOME", err)
	}
	path := filepath.Join(folder, "doorbell", "dev-seed")
	seed, err := readSeed(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return seed, err
	}
	if err := makeSeed(path); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("keep the URL's seed: %w", err)
	}
	return readSeed(path)
}

func readSeed(path string) ([]byte, error) {
	text, err := os.ReadFile(path) //nolint:gosec // a fixed name in the user's own folder
	if err != nil {
		return nil, err
	}
	seed, err := hex.DecodeString(string(bytes.TrimSpace(text)))
	if err != nil || len(seed) != seedSize {
		return nil, fmt.Errorf("%s is not a seed of %d bytes in hexadecimal; delete it to get a new one, and new URLs", path, seedSize)
	}
	return seed, nil
}

// makeSeed writes the seed whole or not at all, and never over another's.
func makeSeed(path string) error {
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
