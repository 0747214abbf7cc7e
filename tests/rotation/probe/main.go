// What a test of a rotation needs beside the cluster, in Go, as Kubernetes' own programs are: clients that ask all the
// time, a server that an API server calls, and a balancer before the API servers. Of Go's standard library alone.
package main

import (
	"fmt"
	"os"
)

func main() {
	var err error
	switch arguments := os.Args[2:]; os.Args[1] {
	case "ask":
		err = ask(arguments[0], arguments[1])
	case "serve":
		err = serve(arguments[0], arguments[1], arguments[2:])
	case "balance":
		err = balance(arguments[0], arguments[1:])
	default:
		err = fmt.Errorf("no such word: %s", os.Args[1])
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
