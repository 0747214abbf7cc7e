// Oracle says what Go makes of certificates: of a file with a chain, of a file with trust anchors, of a pair of
// certificate and key.
//
// It reads one JSON object per line from standard input and answers each with one line. It needs nothing but the
// standard library, from Go 1.15 on. What GODEBUG says, and which settings the line "go" in go.mod brings, is the
// caller's business.
package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// question is a line of the input.
type question struct {
	ID string `json:"id"`
	// Leaf is a file with a chain: the leaf, then intermediates.
	Leaf string `json:"leaf_pem"`
	// Intermediates are more of them.
	Intermediates string `json:"intermediates_pem"`
	// Roots is a file with trust anchors.
	Roots string `json:"roots_pem"`
	// Key is the leaf's key; a null asks for no pair.
	Key *string `json:"key_pem"`
	// At is the time, in RFC 3339.
	At string `json:"at"`
	// Usages are "serverAuth", "clientAuth" and "any"; none is Go's default.
	Usages []string `json:"usages"`
	// Host is the name that the leaf should have; empty asks for none.
	Host string `json:"host"`
}

// answer is a line of the output. A null is success.
type answer struct {
	ID      string  `json:"id"`
	Loaded  *string `json:"loaded"`
	Anchors int     `json:"anchors"`
	KeyPair *string `json:"key_pair"`
	Verify  *string `json:"verify"`
}

var usages = map[string]x509.ExtKeyUsage{
	"any":        x509.ExtKeyUsageAny,
	"clientAuth": x509.ExtKeyUsageClientAuth,
	"serverAuth": x509.ExtKeyUsageServerAuth,
}

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "oracle:", err)
		os.Exit(1)
	}
}

func run(input io.Reader, output io.Writer) error {
	lines := bufio.NewReaderSize(input, 1<<20)
	out := bufio.NewWriter(output)
	answers := json.NewEncoder(out)
	answers.SetEscapeHTML(false)
	for {
		line, err := lines.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 {
			var q question
			if err := json.Unmarshal(line, &q); err != nil {
				return err
			}
			a, err := ask(q)
			if err != nil {
				return fmt.Errorf("%s: %v", q.ID, err)
			}
			if err := answers.Encode(a); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return out.Flush()
		}
		if err != nil {
			return err
		}
	}
}

func ask(q question) (answer, error) {
	a := answer{ID: q.ID}
	at, err := time.Parse(time.RFC3339, q.At)
	if err != nil {
		return a, err
	}
	options := x509.VerifyOptions{CurrentTime: at, DNSName: q.Host}
	for _, name := range q.Usages {
		usage, ok := usages[name]
		if !ok {
			return a, fmt.Errorf("no such usage: %q", name)
		}
		options.KeyUsages = append(options.KeyUsages, usage)
	}

	var chain []*x509.Certificate
	a.Loaded = text(func() (err error) {
		chain, err = parseCertsPEM([]byte(q.Leaf))
		return err
	})
	text(func() error {
		options.Roots = x509.NewCertPool()
		options.Roots.AppendCertsFromPEM([]byte(q.Roots))
		a.Anchors = len(options.Roots.Subjects())
		return nil
	})
	if q.Key != nil {
		a.KeyPair = text(func() error {
			_, err := tls.X509KeyPair([]byte(q.Leaf), []byte(*q.Key))
			return err
		})
	}
	a.Verify = text(func() error {
		if a.Loaded != nil {
			return errors.New("not loaded")
		}
		options.Intermediates = x509.NewCertPool()
		for _, intermediate := range chain[1:] {
			options.Intermediates.AddCert(intermediate)
		}
		options.Intermediates.AppendCertsFromPEM([]byte(q.Intermediates))
		_, err := chain[0].Verify(options)
		return err
	})
	return a, nil
}

// text runs a function and returns the text of its error or of its panic.
func text(f func() error) (failure *string) {
	defer func() {
		if cause := recover(); cause != nil {
			said := fmt.Sprintf("panic: %v", cause)
			failure = &said
		}
	}()
	if err := f(); err != nil {
		said := err.Error()
		return &said
	}
	return nil
}

// parseCertsPEM does what ParseCertsPEM of k8s.io/client-go/util/cert does.
func parseCertsPEM(data []byte) ([]*x509.Certificate, error) {
	var certificates []*x509.Certificate
	for len(data) > 0 {
		var block *pem.Block
		block, data = pem.Decode(data)
		if block == nil {
			break
		}
		if block.Type != "CERTIFICATE" || len(block.Headers) != 0 {
			continue
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		certificates = append(certificates, certificate)
	}
	if len(certificates) == 0 {
		return nil, errors.New("data does not contain any valid RSA or ECDSA certificates")
	}
	return certificates, nil
}
