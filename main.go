// Command entente is one node of a federated relay for cyber-threat
// indicators: it signs what its own producers publish, decides for each peer
// what may cross the border, and can prove and explain every decision.
package main

import (
	"os"

	"github.com/entente-relay/entente/relay/cli"
)

func main() {
	os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
