// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/redis/rueidis"
)

// connect opens Redis with the credentials that lie in the folder now.
func (s *settings) connect(context.Context) (rueidis.Client, error) {
	options := rueidis.ClientOption{
		InitAddress: s.redisAddresses(), SelectDB: s.database, DisableCache: true, ClientName: "doorbell",
		ForceSingleClient: s.mode == standalone,
		ClientSetInfo:     rueidis.DisableClientSetInfo, // an ACL made for Redis 7.0 cannot name it
		AuthCredentialsFn: func(rueidis.AuthCredentialsContext) (rueidis.AuthCredentials, error) { return s.credentials() },
	}
	if s.tls {
		config, err := s.tlsConfig()
		if err != nil {
			return nil, err
		}
		options.TLSConfig = config
	}
	if s.mode == sentinel {
		credentials, err := s.credentials()
		if err != nil {
			return nil, err
		}
		options.Sentinel = rueidis.SentinelOption{
			MasterSet: s.master, TLSConfig: options.TLSConfig, Username: credentials.Username, Password: credentials.Password,
		}
	}
	return rueidis.NewClient(options)
}

// credentials are read at each connection: a password may be rotated.
func (s *settings) credentials() (rueidis.AuthCredentials, error) {
	username, err := s.secret("username")
	if err != nil {
		return rueidis.AuthCredentials{}, err
	}
	password, err := s.secret("password")
	return rueidis.AuthCredentials{Username: username, Password: password}, err
}

func (s *settings) tlsConfig() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: s.serverName}
	authorities, err := s.secret("ca.crt")
	if err != nil || authorities == "" {
		return config, err
	}
	config.RootCAs = x509.NewCertPool()
	if !config.RootCAs.AppendCertsFromPEM([]byte(authorities)) {
		return nil, errors.New("redis/ca.crt holds no certificate in PEM")
	}
	return config, nil
}

// secret reads one of the files about Redis; "" where it is not there.
func (s *settings) secret(name string) (string, error) {
	data, err := os.ReadFile(filepath.Join(s.config, "redis", name))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("redis/%s: %w", name, err)
	}
	return strings.TrimSpace(string(data)), nil
}
