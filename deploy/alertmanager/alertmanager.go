// Package alertmanager says who is told of an alert. Its one rule: a page is for now, at night too, and a ticket waits for the
// next working day; nobody is told of a ticket whose cause has already paged somebody.
package alertmanager

import (
	_ "embed"
	"strings"
)

// Config is Alertmanager's configuration as docker-compose.yml has it.
//
//go:embed alertmanager.yml
var Config string

// pager stands in Config where the alerts go.
const pager = "http://pager:9095"

// For is the configuration that sends alerts to another address, such as http://127.0.0.1:9095.
func For(address string) string { return strings.ReplaceAll(Config, pager, address) }
