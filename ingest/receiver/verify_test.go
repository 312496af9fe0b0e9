// SPDX-License-Identifier: Apache-2.0

package receiver_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"net/http"
	"strings"
	"testing"

	"github.com/doorbell-dev/doorbell/ingest/document"
	"github.com/doorbell-dev/doorbell/ingest/receiver"
)

// mac returns the HMAC-SHA256 of a text.
func mac(text string) []byte { return macWith(sha256.New, "secret", text) }

func macWith(newHash func() hash.Hash, secret, text string) []byte {
	h := hmac.New(newHash, []byte(secret))
	h.Write([]byte(text))
	return h.Sum(nil)
}

// sign returns the HMAC-SHA256 of a text in hex.
func sign(text string) string { return hex.EncodeToString(mac(text)) }

func TestTheReceiverVerifiesTheSender(t *testing.T) {
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
	bySHA1 := document.Verification{Scheme: document.SchemeHMAC, Header: "x-signature", Algorithm: "SHA1"}
	bySHA512 := document.Verification{Scheme: document.SchemeHMAC, Header: "x-signature", Algorithm: "SHA512"}
	byMD5 := document.Verification{Scheme: document.SchemeHMAC, Header: "x-signature", Algorithm: "MD5"}
	byTimestamp := document.Verification{
		Scheme: document.SchemeHMAC, Header: "x-signature", Prefix: "v0=", Signed: "v0:{timestamp}:{body}", TimestampHeader: "x-timestamp",
	}
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
		"a prefix of the secret":              {byHeader, secret, header("X-Key", "secre"), false},
		"no header":                           {byHeader, secret, header(), false},
		"an empty header":                     {byHeader, secret, header("X-Key", ""), false},
		"the secret twice":                    {byHeader, secret, header("X-Key", "secret", "X-Key", "secret"), false},
		"basic":                               {byBasic, login, basic(login), true},
		"basic in lower case":                 {byBasic, login, authorization(strings.ToLower("Basic") + basic(login).Get("Authorization")[5:]), true},
		"basic with another password":         {byBasic, login, basic("user:pass"), false},
		"basic with no password":              {byBasic, login, basic("user"), false},
		"basic that is not Base64":            {byBasic, login, authorization("Basic user:pass:word"), false},
		"basic instead of bearer":             {byBearer, login, basic(login), false},
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
		"a signature by SHA-1":                {bySHA1, secret, signed(hex.EncodeToString(macWith(sha1.New, secret, one))), true},
		"a signature by SHA-256, not SHA-1":   {bySHA1, secret, signed(sign(one)), false},
		"a signature by SHA-512":              {bySHA512, secret, signed(hex.EncodeToString(macWith(sha512.New, secret, one))), true},
		"a signature by an unknown algorithm": {byMD5, secret, signed(sign(one)), false},
		"a signed timestamp": {
			byTimestamp, secret, header("X-Signature", "v0="+sign("v0:1700000000:"+one), "X-Timestamp", "1700000000"), true,
		},
		"a timestamp other than the signed one": {
			byTimestamp, secret, header("X-Signature", "v0="+sign("v0:1700000000:"+one), "X-Timestamp", "1700000001"), false,
		},
		"a signed timestamp that is not sent": {byTimestamp, secret, signed("v0=" + sign("v0::"+one)), false},
		"a signed timestamp that is sent twice": {
			byTimestamp, secret, header("X-Signature", "v0="+sign("v0:1:"+one), "X-Timestamp", "1", "X-Timestamp", "1"), false,
		},
		"a signature of the body without the timestamp": {
			byTimestamp, secret, header("X-Signature", "v0="+sign(one), "X-Timestamp", "1700000000"), false,
		},
		"a timestamp that is the text {body}": {
			byTimestamp, secret, header("X-Signature", "v0="+sign("v0:{body}:"+one), "X-Timestamp", "{body}"), true,
		},
		"an unknown scheme":                   {document.Verification{Scheme: "x", Header: "x-key"}, secret, header("X-Key", "secret"), false},
		"an empty secret and no header":       {byHeader, "", header(), false},
		"an empty secret and an empty header": {byHeader, "", header("X-Key", ""), false},
		"an empty secret and basic":           {byBasic, "", basic(""), false},
		"an empty secret and a signature":     {byHex, "", signed(hex.EncodeToString(macWith(sha256.New, "", one))), false},
	} {
		t.Run(name, func(t *testing.T) {
			b, by := new(fakeInbox), tc.by
			r := receiver.New(receiver.Options{})
			address := serve(t, r)
			configure := func(enforce bool) {
				by.Enforce = enforce
				r.SetEndpoints([]*receiver.Endpoint{b.endpoint(func(e *receiver.Endpoint) { e.Verification, e.Secrets = &by, []string{tc.secret, ""} })})
			}

			configure(true)
			got, _ := send(t, address, sent{body: one, header: tc.header.Clone()})
			want := answer{200, `{"accepted":1,"duplicates":0}`}
			switch {
			case !tc.ok && tc.secret == "":
				want = rejected(429, "verification_unavailable", "senders cannot be verified at the moment; retry later")
			case !tc.ok:
				want = rejected(401, "unauthorized", "the sender verification failed")
			}
			check(t, want, got)

			configure(false)
			got, _ = send(t, address, sent{body: one, header: tc.header.Clone()})
			check(t, answer{200, `{"accepted":1,"duplicates":0}`}, got)
			events := b.accepted()
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

func TestFormerSecretIsValidBesideTheCurrentOne(t *testing.T) {
	authorization := func(value string) http.Header { return header("Authorization", value) }
	for name, tc := range map[string]struct {
		by     document.Verification
		header func(secret string) http.Header
	}{
		"in a header": {
			document.Verification{Scheme: document.SchemeHeader, Header: "x-key", Enforce: true},
			func(secret string) http.Header { return header("X-Key", secret) },
		},
		"basic": {
			document.Verification{Scheme: document.SchemeBasic, Header: "authorization", Enforce: true},
			func(secret string) http.Header {
				return authorization("Basic " + base64.StdEncoding.EncodeToString([]byte(secret)))
			},
		},
		"bearer": {
			document.Verification{Scheme: document.SchemeBearer, Header: "authorization", Enforce: true},
			func(secret string) http.Header { return authorization("Bearer " + secret) },
		},
		"a signature": {
			document.Verification{Scheme: document.SchemeHMAC, Header: "x-signature", Enforce: true},
			func(secret string) http.Header {
				return header("X-Signature", hex.EncodeToString(macWith(sha256.New, secret, one)))
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			address := serve(t, started(receiver.Options{}, new(fakeInbox).endpoint(func(e *receiver.Endpoint) {
				e.Verification, e.Secrets = &tc.by, []string{"new:1", "old:1"}
			})))
			for secret, want := range map[string]int{"new:1": 200, "old:1": 200, "older:1": 401, "": 401} {
				if got, _ := send(t, address, sent{body: one, header: tc.header(secret)}); got.Status != want {
					t.Errorf("with %q: got %v, want status %d", secret, got, want)
				}
			}
		})
	}
}
