package mercadopago

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"
)

// The types of this file read what Mercado Pago sends where its reference promises something else:
// numbers as strings and the reverse, empty strings for dates, arrays for objects. What cannot be read is
// as good as absent, and the reader of the whole answer decides whether that matters. Only an amount that
// is there and cannot be read fails the whole: it must not pass for zero.

// text is a JSON string, or a number as it is written.
type text string

func (t *text) UnmarshalJSON(b []byte) error {
	*t = ""
	switch c := b[0]; {
	case c == '"':
		return json.Unmarshal(b, (*string)(t))
	case c == '-' || c >= '0' && c <= '9':
		*t = text(b)
	}
	return nil
}

// boolean is a JSON boolean; anything else is as good as absent.
type boolean struct{ on, known bool }

func (f *boolean) UnmarshalJSON(b []byte) error {
	f.on, f.known = string(b) == "true", string(b) == "true" || string(b) == "false"
	return nil
}

// amount is a sum of money, in reais on the wire.
type amount struct {
	centavos int64
	known    bool
}

// maxReais bounds what is read. Below it a float64 is less than half a centavo away from any sum with two
// decimals, even after the multiplication, so that rounding finds exactly the sum that was written.
const maxReais = 1e12

func (a *amount) UnmarshalJSON(b []byte) error {
	*a = amount{}
	if s := string(b); s == "null" || s == `""` {
		return nil
	}
	var t text
	if err := t.UnmarshalJSON(b); err != nil {
		return err
	}
	reais, err := strconv.ParseFloat(string(t), 64)
	if err != nil || !(math.Abs(reais) < maxReais) {
		return fmt.Errorf("not an amount of money: %.20q", b)
	}
	*a = amount{centavos: int64(math.Round(reais * 100)), known: true}
	return nil
}

// date is a moment, in UTC; zero when absent. A date without an offset is as good as absent, because
// Mercado Pago's own offsets differ.
type date struct{ time.Time }

func (d *date) UnmarshalJSON(b []byte) error {
	*d = date{}
	var t text
	if err := t.UnmarshalJSON(b); err != nil {
		return err
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05Z0700"} { // fractions are read with both
		if moment, err := time.Parse(layout, string(t)); err == nil {
			d.Time = moment.UTC()
			break
		}
	}
	return nil
}

// many is an array of objects, or an object alone.
type many[T any] []T

func (m *many[T]) UnmarshalJSON(b []byte) error {
	*m = nil
	parts := []json.RawMessage{b}
	if b[0] == '[' {
		if err := json.Unmarshal(b, &parts); err != nil {
			return err
		}
	}
	for _, part := range parts {
		if part[0] != '{' {
			continue
		}
		var one T
		if err := json.Unmarshal(part, &one); err != nil {
			return err
		}
		*m = append(*m, one)
	}
	return nil
}

// first is the first object, or one with nothing in it.
func (m many[T]) first() (one T) {
	if len(m) > 0 {
		one = m[0]
	}
	return one
}
