package payment

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Address is where the buyer lives, as banks want it on a boleto.
type Address struct {
	ZipCode      string `json:"zip_code"` // CEP, without punctuation
	Street       string `json:"street"`
	Number       string `json:"number"` // or "s/n"
	Neighborhood string `json:"neighborhood"`
	City         string `json:"city"`
	State        string `json:"state"` // of states
}

// states are those of Brazil, and the federal district.
var states = []string{
	"AC", "AL", "AP", "AM", "BA", "CE", "DF", "ES", "GO", "MA", "MT", "MS", "MG", "PA", "PB", "PR", "PE", "PI", "RJ", "RN", "RS", "RO", "RR",
	"SC", "SP", "SE", "TO",
}

const (
	zipCodeDigits     = 8
	maxAddressLine    = 128
	maxAddressNumber  = 20
	addressFieldEmpty = "must not be empty"
)

func (a Address) normalized() Address {
	one := func(text string) string { return strings.Join(strings.Fields(text), " ") }
	return Address{
		ZipCode: strings.NewReplacer(".", "", "-", "", " ", "").Replace(a.ZipCode), Street: one(a.Street), Number: one(a.Number),
		Neighborhood: one(a.Neighborhood), City: one(a.City), State: strings.ToUpper(strings.TrimSpace(a.State)),
	}
}

// validate finds what is wrong with an address. One that is sent is whole: half of one is of no use to a bank.
func (a Address) validate(wrong func(pointer, detail string)) {
	if a == (Address{}) {
		return
	}
	if len(a.ZipCode) != zipCodeDigits || !digitsFrom(a.ZipCode, 0) {
		wrong("/payer/address/zip_code", "must be a CEP of 8 digits")
	}
	line := func(name, text string, longest int) {
		pointer := "/payer/address/" + name
		switch {
		case text == "":
			wrong(pointer, addressFieldEmpty)
		case utf8.RuneCountInString(text) > longest:
			wrong(pointer, fmt.Sprintf("must have at most %d characters", longest))
		}
		refuseText(wrong, pointer, text, OneLine)
	}
	line("street", a.Street, maxAddressLine)
	line("number", a.Number, maxAddressNumber)
	line("neighborhood", a.Neighborhood, maxAddressLine)
	line("city", a.City, maxAddressLine)
	if !slices.Contains(states, a.State) {
		wrong("/payer/address/state", "must be a state of Brazil in two letters, such as SP")
	}
}
