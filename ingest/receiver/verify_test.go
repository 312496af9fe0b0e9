// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"

	"github.com/doorbell-dev/doorbell/ingest/document"
	"github.com/doorbell-dev/doorbell/ingest/receiver"
)

func mac(body string) []byte { return macBy("secret", body) }

func macBy(secret, body string) []byte {
	h := hmac.New(sha256.New, []byte(secret))
	h.Write([]byte(body))
	return h.Sum(nil)
}

func sign(body string) string { return hex.EncodeToString(mac(body)) }

func TestVerification(t *testing.T) {
	authorization := func(value string) http.Header { return header("Authorization", value) }
	basic := func(credentials string) http.Header {
		return authorization("Basic " + base64.StdEncoding.EncodeToString([]byte(credentials)))
	}
	byHeader := document.Verification{Scheme: document.SchemeHeader, Header: "x-key"}
	byBasic := document.Verification{Scheme: document.SchemeBasic, Header: "authorization"}
	byBearer := document.Verification{Scheme: document.SchemeBearer, Header: "authorization"}
	byHex := document.Verification{Scheme: document.SchemeHMAC, Header: "x-signature", Encoding: "Hex"}
	byBase64 := document.Verification{Scheme: document.SchemeHMAC, Header: "x-signature", Encoding: "Base64"}
	byPrefix := document.Verification{Scheme: document.SchemeHMAC, Header: "x-signature", Encoding: "Hex", Prefix: "sha256="}
	signed := func(value string) http.Header { return header("X-Signature", value) }
	const secret, login = "secret", "user:pass:word"

	for name, tc := range map[string]struct {
		by     document.Verification
		secret string
		header http.Header
		ok     bool
	}{
		"the secret in its header":            {byHeader, secret, header("X-Key", "secret"), true},
		"another secret":                      {byHeader, secret, header("X-Key", "Secret"), false},
		"the start of the secret":             {byHeader, secret, header("X-Key", "secre"), false},
		"no header":                           {byHeader, secret, header(), false},
		"an empty header":                     {byHeader, secret, header("X-Key", ""), false},
		"the secret twice":                    {byHeader, secret, header("X-Key", "secret", "X-Key", "secret"), false},
		"basic":                               {byBasic, login, basic(login), true},
		"basic in lower case":                 {byBasic, login, authorization(strings.ToLower("Basic") + basic(login).Get("Authorization")[5:]), true},
		"basic with another password":         {byBasic, login, basic("user:pass"), false},
		"basic with no password":              {byBasic, login, basic("user"), false},
		"basic that is not Base64":            {byBasic, login, authorization("Basic user:pass:word"), false},
		"basic where bearer is wanted":        {byBearer, login, basic(login), false},
		"bearer":                              {byBearer, secret, authorization("Bearer secret"), true},
		"bearer in lower case":                {byBearer, secret, authorization("bearer  secret"), true},
		"bearer with another secret":          {byBearer, secret, authorization("Bearer other"), false},
		"bearer without a secret":             {byBearer, secret, authorization("Bearer"), false},
		"the secret without bearer":           {byBearer, secret, authorization("secret"), false},
		"a signature in hex":                  {byHex, secret, signed(sign(one)), true},
		"a signature in capital hex":          {byHex, secret, signed(strings.ToUpper(sign(one))), true},
		"a signature of another body":         {byHex, secret, signed(sign(one + " ")), false},
		"half a signature":                    {byHex, secret, signed(sign(one)[:32]), false},
		"an empty signature":                  {byHex, secret, signed(""), false},
		"no signature":                        {byHex, secret, header(), false},
		"two signatures":                      {byHex, secret, header("X-Signature", sign(one), "X-Signature", sign(one)), false},
		"a signature in Base64":               {byBase64, secret, signed(base64.StdEncoding.EncodeToString(mac(one))), true},
		"a signature in unpadded Base64":      {byBase64, secret, signed(base64.RawStdEncoding.EncodeToString(mac(one))), true},
		"a signature in Base64 for URLs":      {byBase64, secret, signed(base64.URLEncoding.EncodeToString(mac(one))), true},
		"a signature in hex, not Base64":      {byBase64, secret, signed(sign(one)), false},
		"a signature with its prefix":         {byPrefix, secret, signed("sha256=" + sign(one)), true},
		"a signature without its prefix":      {byPrefix, secret, signed(sign(one)), false},
		"a scheme that nobody knows":          {document.Verification{Scheme: "x", Header: "x-key"}, secret, header("X-Key", "secret"), false},
		"an empty secret and no header":       {byHeader, "", header(), false},
		"an empty secret and an empty header": {byHeader, "", header("X-Key", ""), false},
		"an empty secret and basic":           {byBasic, "", basic(""), false},
		"an empty secret and a signature":     {byHex, "", signed(hex.EncodeToString(macBy("", one))), false},
	} {
		t.Run(name, func(t *testing.T) {
			b, by := new(box), tc.by
			r := receiver.New(receiver.Options{})
			address := serve(t, r)
			configure := func(enforce bool) {
				by.Enforce = enforce
				r.SetEndpoints([]*receiver.Endpoint{b.source(func(s *receiver.Endpoint) { s.Verification, s.Secret = &by, tc.secret })})
			}

			configure(true)
			got, _ := send(t, address, sent{body: one, header: tc.header.Clone()})
			want := answer{200, `{"accepted":1,"duplicates":0}`}
			switch {
			case !tc.ok && tc.secret == "":
				want = rejected(429, "verification_unavailable", "senders cannot be verified at the moment; send it again later")
			case !tc.ok:
				want = rejected(401, "unauthorized", "the sender is not verified")
			}
			check(t, want, got)

			configure(false)
			got, _ = send(t, address, sent{body: one, header: tc.header.Clone()})
			check(t, answer{200, `{"accepted":1,"duplicates":0}`}, got)
			events := b.taken()
			last := events[len(events)-1]
			if marked := last.Verification == "failed"; marked == tc.ok {
				t.Errorf("recorded as %q", last.Verification)
			}
			for name := range last.Headers {
				if name == by.Header {
					t.Errorf("the event has the header %q", name)
				}
			}
		})
	}
}
