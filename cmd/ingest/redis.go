// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/redis/rueidis"

	"github.com/doorbell-dev/doorbell/ingest/layout"
)

// connectTimeout bounds how long one connection to Redis may take to open, authentication included.
const connectTimeout = 3 * time.Second

// sentinelEvery is how often the client asks the sentinels for the master. They also announce a new master, but an
// announcement can be lost.
const sentinelEvery = 5 * time.Second

// connect opens the Redis client. It reads credentials and certificates again for each connection, so that they can be
// rotated.
func (s *settings) connect(context.Context) (rueidis.Client, error) {
	options := rueidis.ClientOption{
		InitAddress: s.redisAddresses(), SelectDB: s.database, DisableCache: true, ForceSingleClient: s.mode == standalone,
		ClientName: "doorbell", ClientSetInfo: rueidis.DisableClientSetInfo, // keyspace.Access does not allow CLIENT SETINFO
		Dialer:            net.Dialer{Timeout: connectTimeout},
		AuthCredentialsFn: func(rueidis.AuthCredentialsContext) (rueidis.AuthCredentials, error) { return s.credentials() },
	}
	if s.tls {
		options.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12, ServerName: s.serverName}
		options.DialCtxFn = s.dial
	}
	if s.mode == sentinel { // AuthCredentialsFn applies to the sentinels too
		options.Sentinel = rueidis.SentinelOption{
			MasterSet: s.master, ClientName: options.ClientName, TLSConfig: options.TLSConfig, TopologyRefreshInterval: sentinelEvery,
		}
	}
	client, err := rueidis.NewClient(options)
	if errors.Is(err, context.DeadlineExceeded) {
		return nil, fmt.Errorf("no reply from Redis at %s within %s", strings.Join(options.InitAddress, ", "), connectTimeout)
	}
	return client, err
}

// dial opens one TLS connection. It trusts the certificate authorities in the mounted file. If the file does not exist,
// it trusts the system's certificate authorities.
func (s *settings) dial(ctx context.Context, address string, dialer *net.Dialer, config *tls.Config) (net.Conn, error) {
	authorities, err := s.secret(layout.RedisCAFile)
	if err != nil {
		return nil, err
	}
	config = config.Clone()
	if authorities != "" {
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM([]byte(authorities)) {
			return nil, errors.New(layout.RedisCAFile + " contains no certificate in PEM format")
		}
	}
	return (&tls.Dialer{NetDialer: dialer, Config: config}).DialContext(ctx, "tcp", address)
}

func (s *settings) credentials() (rueidis.AuthCredentials, error) {
	username, err := s.secret(layout.RedisUsernameFile)
	if err != nil {
		return rueidis.AuthCredentials{}, err
	}
	password, err := s.secret(layout.RedisPasswordFile)
	return rueidis.AuthCredentials{Username: username, Password: password}, err
}

// secret reads a file of the configuration directory without surrounding white space. It returns "" if the file does
// not exist.
func (s *settings) secret(file string) (string, error) {
	data, err := os.ReadFile(filepath.Join(s.config, filepath.FromSlash(file)))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w", file, err)
	}
	return strings.TrimSpace(string(data)), nil
}
