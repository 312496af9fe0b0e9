// SPDX-License-Identifier: Apache-2.0

package dev

import (
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestTheTokenIsTheSameAfterARestart(t *testing.T) {
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	first, err := loadSeed()
	if err != nil {
		t.Fatal(err)
	}
	again, err := loadSeed()
	if err != nil {
		t.Fatal(err)
	}
	a, b := addresses{"http://127.0.0.1:1", first}, addresses{"http://127.0.0.1:2", again}
	if a.token("n/s") != b.token("n/s") {
		t.Error("the token changed with a restart or with the port")
	}
	if a.token("n/s") == a.token("n/t") {
		t.Error("two sources have the same token")
	}
	if token := a.token("n/s"); !regexp.MustCompile(`^[A-Za-z0-9_-]{24}$`).MatchString(token) {
		t.Errorf("token %q is too short or not safe in a URL", token)
	}
	if a.owner() == b.owner() {
		t.Error("processes at two addresses have the same owner")
	}
}

func TestAnInvalidSeedIsNotReplaced(t *testing.T) {
	directory := t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", directory)
	path := filepath.Join(directory, "doorbell", "dev-seed")
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("zz"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := loadSeed(); err == nil || !strings.Contains(err.Error(), "delete it") {
		t.Errorf("got %v", err)
	}
}

func TestOnlyTheUserCanReadTheSeed(t *testing.T) {
	directory := t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", directory)
	if _, err := loadSeed(); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(directory, "doorbell", "dev-seed"))
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
}

func TestTheBaseURLIsReachableFromThisMachine(t *testing.T) {
	for address, want := range map[string]string{
		"127.0.0.1:80": "http://127.0.0.1:80",
		"0.0.0.0:80":   "http://127.0.0.1:80",
		"[::]:80":      "http://127.0.0.1:80",
		"[::1]:80":     "http://[::1]:80",
	} {
		resolved, err := net.ResolveTCPAddr("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		if got := baseURL(resolved); got != want {
			t.Errorf("%s: %s, want %s", address, got, want)
		}
	}
}

func TestTheKnockURLFollowsTheRulesOfTheSchema(t *testing.T) {
	for text, valid := range map[string]bool{
		"":                          true,
		"http://127.0.0.1:4010":     true,
		"https://api.knock.app/":    true,
		"https://proxy.example/eu":  true,
		"api.knock.app":             false,
		"localhost:4010":            false,
		"ftp://api.knock.app":       false,
		"https://":                  false,
		"https://api.knock.app/v1":  false,
		"https://api.knock.app/v1/": false,
		"https://u:p@api.knock.app": false,
		"https://api.knock.app?a=b": false,
		"http://a b":                false,
	} {
		if err := checkKnockURL(text); (err == nil) != valid {
			t.Errorf("%q: %v", text, err)
		}
	}
}
