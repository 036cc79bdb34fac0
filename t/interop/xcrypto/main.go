// SPDX-License-Identifier: Apache-2.0

// A client made of golang.org/x/crypto/acme, as its documentation shows.
//
//	xcrypto DIRECTORY WEBROOT OUT KIND NAME...
//
// KIND is ec or rsa, for the account's and the certificate's key.
// OUT/account.key is kept; OUT/key.pem and OUT/chain.pem are written anew.
// Answers to http-01 are written to WEBROOT, a file for each token.
// The variable AFTERWARDS may have the words rollover (of the account's key),
// revoke and revoke-by-key.
package main

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"log"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/crypto/acme"
)

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func makeKey(kind string) crypto.Signer {
	if kind == "rsa" {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		check(err)
		return key
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(err)
	return key
}

func writeKey(file string, key crypto.Signer) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	check(err)
	block := &pem.Block{Type: "PRIVATE KEY", Bytes: der}
	check(os.WriteFile(file, pem.EncodeToMemory(block), 0o600))
}

func accountKey(file, kind string) crypto.Signer {
	text, err := os.ReadFile(file)
	if err != nil {
		key := makeKey(kind)
		writeKey(file, key)
		return key
	}
	block, _ := pem.Decode(text)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	check(err)
	return key.(crypto.Signer)
}

func prove(ctx context.Context, client *acme.Client, url, webroot string) {
	authz, err := client.GetAuthorization(ctx, url)
	check(err)
	if authz.Status == acme.StatusValid {
		return
	}
	for _, challenge := range authz.Challenges {
		if challenge.Type != "http-01" {
			continue
		}
		text, err := client.HTTP01ChallengeResponse(challenge.Token)
		check(err)
		check(os.WriteFile(filepath.Join(webroot, challenge.Token),
			[]byte(text), 0o644))
		_, err = client.Accept(ctx, challenge)
		check(err)
	}
	_, err = client.WaitAuthorization(ctx, url)
	check(err)
}

func afterwards(ctx context.Context, client *acme.Client, out, kind string,
	key crypto.Signer, der []byte) {
	for _, todo := range strings.Fields(os.Getenv("AFTERWARDS")) {
		switch todo {
		case "rollover":
			fresh := makeKey(kind)
			check(client.AccountKeyRollover(ctx, fresh))
			writeKey(filepath.Join(out, "account.key"), fresh)
		case "revoke":
			check(client.RevokeCert(ctx, nil, der,
				acme.CRLReasonSuperseded))
		case "revoke-by-key":
			check(client.RevokeCert(ctx, key, der,
				acme.CRLReasonUnspecified))
		}
	}
}

func main() {
	directory, webroot, out, kind := os.Args[1], os.Args[2], os.Args[3], os.Args[4]
	names := os.Args[5:]
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	client := &acme.Client{DirectoryURL: directory,
		Key: accountKey(filepath.Join(out, "account.key"), kind)}
	account := &acme.Account{Contact: []string{"mailto:admin@a.test"}}
	_, err := client.Register(ctx, account, acme.AcceptTOS)
	if err != nil && err != acme.ErrAccountAlreadyExists {
		check(err)
	}
	order, err := client.AuthorizeOrder(ctx, acme.DomainIDs(names...))
	check(err)
	for _, url := range order.AuthzURLs {
		prove(ctx, client, url, webroot)
	}
	order, err = client.WaitOrder(ctx, order.URI)
	check(err)
	key := makeKey(kind)
	csr, err := x509.CreateCertificateRequest(rand.Reader,
		&x509.CertificateRequest{DNSNames: names}, key)
	check(err)
	chain, _, err := client.CreateOrderCert(ctx, order.FinalizeURL, csr, true)
	check(err)
	var text bytes.Buffer
	for _, der := range chain {
		check(pem.Encode(&text, &pem.Block{Type: "CERTIFICATE", Bytes: der}))
	}
	writeKey(filepath.Join(out, "key.pem"), key)
	check(os.WriteFile(filepath.Join(out, "chain.pem"), text.Bytes(), 0o644))
	afterwards(ctx, client, out, kind, key, chain[0])
}
