package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"
)

// Program is a pod that an API server calls: it admits objects, and serves an API of its own to whom the front proxy's CA
// has signed. That CA it learns from the cluster, as all such programs do.
type Program struct {
	folder  string
	servers []string
	// What `extension-apiserver-authentication` says, as *x509.CertPool.
	authority atomic.Value
}

// serve serves with `tls.crt`, `tls.key`, `ca.crt` and `token` of a folder, read again each time: the kubelet brings them
// up to date.
func serve(folder, address string, servers []string) error {
	program := &Program{folder: folder, servers: servers}
	program.authority.Store(x509.NewCertPool())
	go program.learn()
	config := &tls.Config{
		ClientAuth: tls.RequestClientCert,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			pair, err := tls.LoadX509KeyPair(program.file("tls.crt"), program.file("tls.key"))
			return &pair, err
		},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/admit", admit)
	mux.HandleFunc("/", program.aggregated)
	// Without HTTP/2 and idle connections each call is a handshake of its own.
	server := http.Server{Addr: address, Handler: mux, TLSConfig: config}
	server.TLSNextProto = map[string]func(*http.Server, *tls.Conn, http.Handler){}
	server.SetKeepAlivesEnabled(false)
	return server.ListenAndServeTLS("", "")
}

func (program *Program) file(name string) string { return filepath.Join(program.folder, name) }

// learn asks the API servers for the CA of the front proxy, in turn.
func (program *Program) learn() {
	for number := 0; ; number++ {
		pool, err := program.read(program.servers[number%len(program.servers)])
		if err == nil {
			program.authority.Store(pool)
		} else {
			fmt.Fprintln(os.Stderr, err)
		}
		time.Sleep(rest)
	}
}

func (program *Program) read(server string) (*x509.CertPool, error) {
	authority, err := os.ReadFile(program.file("ca.crt"))
	if err != nil {
		return nil, err
	}
	token, err := os.ReadFile(program.file("token"))
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authority)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, DisableKeepAlives: true}
	client := http.Client{Transport: transport, Timeout: limit}
	path := "/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication"
	request, err := http.NewRequest("GET", server+path, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	found := struct{ Data map[string]string }{}
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", server, response.Status)
	}
	if err := json.NewDecoder(response.Body).Decode(&found); err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(found.Data["requestheader-client-ca-file"])) {
		return nil, fmt.Errorf("%s: no certificate of the front proxy", server)
	}
	return pool, nil
}

// aggregated answers the front proxy alone, and says whom it speaks for.
func (program *Program) aggregated(writer http.ResponseWriter, request *http.Request) {
	if err := program.front(request.TLS.PeerCertificates); err != nil {
		http.Error(writer, err.Error(), http.StatusUnauthorized)
		return
	}
	answer(writer, map[string]interface{}{
		"kind": "APIResourceList", "apiVersion": "v1", "resources": []string{},
		"groupVersion": strings.TrimPrefix(request.URL.Path, "/apis/"),
		"askedBy":      request.Header.Get("X-Remote-User"),
	})
}

func (program *Program) front(chain []*x509.Certificate) error {
	if len(chain) == 0 {
		return fmt.Errorf("nobody shows a certificate")
	}
	roots := program.authority.Load().(*x509.CertPool)
	_, err := chain[0].Verify(x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	if err == nil && chain[0].Subject.CommonName != "front-proxy-client" {
		err = fmt.Errorf("%s is not the front proxy", chain[0].Subject.CommonName)
	}
	return err
}

// admit admits nothing, and says so.
func admit(writer http.ResponseWriter, request *http.Request) {
	review := struct {
		APIVersion string
		Request    struct{ UID string }
	}{}
	body, err := io.ReadAll(request.Body)
	if err == nil {
		err = json.Unmarshal(body, &review)
	}
	if err != nil {
		http.Error(writer, err.Error(), http.StatusBadRequest)
		return
	}
	answer(writer, map[string]interface{}{
		"kind": "AdmissionReview", "apiVersion": review.APIVersion,
		"response": map[string]interface{}{
			"uid": review.Request.UID, "allowed": false,
			"status": map[string]interface{}{"message": "the webhook was asked"},
		},
	})
}

func answer(writer http.ResponseWriter, object interface{}) {
	writer.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(writer).Encode(object)
}
