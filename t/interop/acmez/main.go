// SPDX-License-Identifier: Apache-2.0

// A client made of github.com/mholt/acmez, which is Caddy's: it gets a
// certificate, asks when to renew it, renews it, and says so.
//
//	acmez DIRECTORY ROOTS WEBROOT OUT NAME [PULL]
//
// OUT/1.pem to OUT/3.pem are the chains.  Answers to http-01 are written to
// WEBROOT, a file for each token.  PULL is a command that runs between the two,
// of this program's words behind it: an operator who wants it renewed.  What it
// finds is printed, a line each.
package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/mholt/acmez/v3"
	"github.com/mholt/acmez/v3/acme"
)

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

type webroot string

func (dir webroot) Present(_ context.Context, c acme.Challenge) error {
	return os.WriteFile(filepath.Join(string(dir), c.Token),
		[]byte(c.KeyAuthorization), 0o644)
}

func (dir webroot) CleanUp(_ context.Context, c acme.Challenge) error {
	return os.Remove(filepath.Join(string(dir), c.Token))
}

func makeKey() *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(err)
	return key
}

func makeClient(directory, roots, dir string) acmez.Client {
	text, err := os.ReadFile(roots)
	check(err)
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	return acmez.Client{
		Client: &acme.Client{
			Directory: directory,
			HTTPClient: &http.Client{Transport: &http.Transport{
				TLSClientConfig: &tls.Config{RootCAs: pool}}},
		},
		ChallengeSolvers: map[string]acmez.Solver{
			acme.ChallengeTypeHTTP01: webroot(dir)},
	}
}

func makeCSR(name string) *x509.CertificateRequest {
	der, err := x509.CreateCertificateRequest(rand.Reader,
		&x509.CertificateRequest{DNSNames: []string{name}}, makeKey())
	check(err)
	csr, err := x509.ParseCertificateRequest(der)
	check(err)
	return csr
}

func leafOf(chain []byte) *x509.Certificate {
	block, _ := pem.Decode(bytes.TrimSpace(chain))
	leaf, err := x509.ParseCertificate(block.Bytes)
	check(err)
	return leaf
}

func show(client acmez.Client, leaf *x509.Certificate) {
	info, err := client.GetRenewalInfo(context.Background(), leaf)
	check(err)
	part := info.SuggestedWindow.Start.Sub(leaf.NotBefore).Hours() /
		leaf.NotAfter.Sub(leaf.NotBefore).Hours()
	fmt.Printf("window at %.2f, due %t, again in %.0f s, because %s\n", part,
		!info.SuggestedWindow.Start.After(time.Now()),
		time.Until(*info.RetryAfter).Seconds(), info.ExplanationURL)
}

func main() {
	directory, roots, dir, out, name := os.Args[1], os.Args[2], os.Args[3],
		os.Args[4], os.Args[5]
	client := makeClient(directory, roots, dir)
	ctx := context.Background()
	account, err := client.NewAccount(ctx,
		acme.Account{TermsOfServiceAgreed: true, PrivateKey: makeKey()})
	check(err)

	var old *x509.Certificate
	for i := 1; i <= 3; i++ {
		params, err := acmez.OrderParametersFromCSR(account, makeCSR(name))
		check(err)
		params.Replaces = old
		certs, err := client.ObtainCertificate(ctx, params)
		check(err)
		check(os.WriteFile(filepath.Join(out, fmt.Sprint(i, ".pem")),
			certs[0].ChainPEM, 0o644))
		if i > 1 {
			continue // 3: once more what 2 has replaced already
		}
		old = leafOf(certs[0].ChainPEM)
		show(client, old)
		if len(os.Args) > 6 {
			pull := exec.Command(os.Args[6], os.Args[7:]...)
			pull.Stderr = os.Stderr
			check(pull.Run())
			show(client, old)
		}
	}
}
