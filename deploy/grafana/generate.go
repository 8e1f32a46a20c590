//go:build ignore

package main

import (
	"log"
	"os"
	"path/filepath"

	"github.com/onlywave/onlywave/deploy/grafana"
)

func main() {
	for _, d := range grafana.Dashboards {
		text, err := d.JSON()
		if err != nil {
			log.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join("dashboards", d.Name+".json"), text, 0o644); err != nil {
			log.Fatal(err)
		}
	}
}
