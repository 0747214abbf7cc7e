package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// How long a client rests between two questions, and how long one may take.
const (
	rest  = 400 * time.Millisecond
	limit = 20 * time.Second
)

// Probe is a client that asks one question all the time.
type Probe struct {
	Name string
	// The servers, each as `https://HOST:PORT`. The next is asked where one fails.
	Servers            []string
	Method, Path, Body string
	Authority          string
	Certificate, Key   string
	Token              string
	Status             int
	Contains           string
}

// Answer is a line of the log: when it was asked and answered in nanoseconds, and what was wrong.
type Answer struct {
	Probe, Error string
	Begin, End   int64
}

// ask starts a client for each file of a folder, also for those that come later.
func ask(folder, name string) error {
	log, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	answers := make(chan Answer)
	go look(folder, answers)
	for answer := range answers {
		line, err := json.Marshal(answer)
		if err != nil {
			return err
		}
		if _, err := log.Write(append(line, '\n')); err != nil {
			return err
		}
	}
	return nil
}

func look(folder string, answers chan<- Answer) {
	known := map[string]bool{}
	for ; ; time.Sleep(rest) {
		files, err := filepath.Glob(filepath.Join(folder, "*.json"))
		for _, file := range files {
			if !known[file] {
				known[file] = true
				text, wrong := os.ReadFile(file)
				probe := Probe{}
				if wrong == nil {
					wrong = json.Unmarshal(text, &probe)
				}
				if wrong == nil {
					wrong = start(probe, answers)
				}
				if err == nil {
					err = wrong
				}
			}
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

// start reads what the client holds once, as programs do.
func start(probe Probe, answers chan<- Answer) error {
	authority, err := os.ReadFile(probe.Authority)
	if err != nil {
		return err
	}
	config := &tls.Config{RootCAs: x509.NewCertPool()}
	if !config.RootCAs.AppendCertsFromPEM(authority) {
		return fmt.Errorf("%s: no certificate", probe.Authority)
	}
	if probe.Certificate != "" {
		pair, err := tls.LoadX509KeyPair(probe.Certificate, probe.Key)
		if err != nil {
			return err
		}
		// A server that names other CAs gets it, too, and says what it makes of it.
		config.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
	}
	go func() {
		for number := 0; ; number++ {
			answer := Answer{Probe: probe.Name, Begin: time.Now().UnixNano()}
			wrong := []string{}
			for turn := range probe.Servers {
				server := probe.Servers[(number+turn)%len(probe.Servers)]
				err := once(probe, config, server)
				if err == nil {
					wrong = nil
					break
				}
				wrong = append(wrong, fmt.Sprintf("%s: %v", server, err))
			}
			answer.Error = strings.Join(wrong, "; ")
			answer.End = time.Now().UnixNano()
			answers <- answer
			time.Sleep(rest)
		}
	}()
	return nil
}

// once asks over a connection of its own.
func once(probe Probe, config *tls.Config, server string) error {
	transport := &http.Transport{TLSClientConfig: config.Clone(), DisableKeepAlives: true}
	defer transport.CloseIdleConnections()
	client := http.Client{Transport: transport, Timeout: limit}
	request, err := http.NewRequest(probe.Method, server+probe.Path, bytes.NewBufferString(probe.Body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	if probe.Token != "" {
		request.Header.Set("Authorization", "Bearer "+probe.Token)
	}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != probe.Status || !strings.Contains(string(body), probe.Contains) {
		return fmt.Errorf("%s: %.300s", response.Status, body)
	}
	return nil
}
