package config

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/agext/levenshtein"
	"github.com/caarlos0/env/v11"
)

// Set lists what the environment sets of what the program knows, by name: its value, a secret masked, and NAME_FILE with the
// name of its file.
func Set(environ []string) [][2]string {
	variables := env.ToMap(environ)
	var rows [][2]string
	t := reflect.TypeFor[Config]()
	for i := range t.NumField() {
		f := t.Field(i)
		name := f.Tag.Get("env")
		if file, ok := variables[name+"_FILE"]; ok {
			rows = append(rows, [2]string{name + "_FILE", file})
		}
		value, ok := variables[name]
		switch {
		case !ok:
			continue
		case value == "":
		case f.Type == reflect.TypeFor[Secret](), f.Type == reflect.TypeFor[[]Secret](), holdsMore(name, value):
			value = hidden
		}
		rows = append(rows, [2]string{name, value})
	}
	return rows
}

// holdsMore says whether an address may have a password or a token in it, where none belongs.
func holdsMore(name, value string) bool {
	return (strings.HasSuffix(name, "_URL") || strings.HasSuffix(name, "_ENDPOINT")) && strings.ContainsAny(value, "@?")
}

// Misspelt names variables that are set, unknown and so much like one of ours that they are meant to be it: what is set, and
// what may have been meant.
func Misspelt(environ []string) [][2]string {
	names := Names()
	var rows [][2]string
	for _, name := range slices.Sorted(maps.Keys(env.ToMap(environ))) {
		plain := strings.TrimSuffix(name, "_FILE")
		if slices.Contains(names, plain) {
			continue
		}
		nearest := slices.MinFunc(names, func(a, b string) int {
			return cmp.Compare(levenshtein.Distance(plain, a, nil), levenshtein.Distance(plain, b, nil))
		})
		// Two letters of a short name are another name.
		if far := levenshtein.Distance(plain, nearest, nil); far <= 2 && len(plain) >= 6 {
			rows = append(rows, [2]string{name, nearest})
		}
	}
	return rows
}

// Parse is the part that a name means; the error lists them.
func Parse(name string) (Part, error) {
	if !slices.Contains(parts, Part(name)) {
		return "", fmt.Errorf("there is no part %q; there are %v", name, parts)
	}
	return Part(name), nil
}
