package main

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// balance leads connections to one of the API servers that are ready, as kubeadm's guide has it: by `/readyz`.
func balance(address string, backends []string) error {
	ready := make([]int32, len(backends))
	for number, backend := range backends {
		go watch(backend, &ready[number])
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	for number := 0; ; number++ {
		client, err := listener.Accept()
		if err != nil {
			return err
		}
		go func(first int) {
			defer client.Close()
			for turn := range backends {
				at := (first + turn) % len(backends)
				if atomic.LoadInt32(&ready[at]) == 0 {
					continue
				}
				if server, err := net.DialTimeout("tcp", backends[at], time.Second); err == nil {
					join(client, server)
					return
				}
			}
		}(number)
	}
}

func watch(backend string, ready *int32) {
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}
	client := http.Client{Transport: transport, Timeout: 2 * time.Second}
	for ; ; time.Sleep(200 * time.Millisecond) {
		is := int32(0)
		if response, err := client.Get("https://" + backend + "/readyz"); err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				is = 1
			}
		}
		atomic.StoreInt32(ready, is)
	}
}

func join(client, server net.Conn) {
	defer server.Close()
	ended := make(chan struct{}, 2)
	for _, way := range [][2]net.Conn{{client, server}, {server, client}} {
		go func(from, to net.Conn) {
			_, _ = io.Copy(to, from)
			ended <- struct{}{}
		}(way[0], way[1])
	}
	<-ended
}
