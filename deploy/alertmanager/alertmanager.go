// Package alertmanager holds Alertmanager's configuration: where alerts are sent. Its one rule: a page needs an operator now, a
// ticket waits for the next working day, and a ticket is held back while a page for its cause fires.
package alertmanager

import (
	_ "embed"
	"strings"
)

// Config is the configuration that docker-compose.yml mounts.
//
//go:embed alertmanager.yml
var Config string

// pager is the receiver's address in Config.
const pager = "http://pager:9095"

// For is the configuration with another receiver, such as http://127.0.0.1:9095.
func For(address string) string { return strings.ReplaceAll(Config, pager, address) }
