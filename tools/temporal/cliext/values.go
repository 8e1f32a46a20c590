package cliext

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// FlagStringEnum is one of a few strings.
type FlagStringEnum struct {
	Value              string
	ChangedFromDefault bool
	allowed            []string
}

func NewFlagStringEnum(allowed []string, value string) FlagStringEnum {
	return FlagStringEnum{Value: value, allowed: allowed}
}

func (e *FlagStringEnum) Set(text string) error {
	if !slices.Contains(e.allowed, text) {
		return fmt.Errorf("%q is not one of %s", text, e.choices())
	}
	e.Value, e.ChangedFromDefault = text, true
	return nil
}

func (e *FlagStringEnum) choices() string { return strings.Join(e.allowed, ", ") }
func (e *FlagStringEnum) String() string  { return e.Value }
func (e *FlagStringEnum) Type() string    { return "string" }

// FlagStringEnumArray is a list of such strings, in upper or lower case. The option is repeated for each.
type FlagStringEnumArray struct {
	Values  []string
	allowed []string
}

func NewFlagStringEnumArray(allowed, values []string) FlagStringEnumArray {
	return FlagStringEnumArray{Values: values, allowed: allowed}
}

func (a *FlagStringEnumArray) Set(text string) error {
	i := slices.IndexFunc(a.allowed, func(allowed string) bool { return strings.EqualFold(allowed, text) })
	if i < 0 {
		return fmt.Errorf("%q is not one of %s", text, strings.Join(a.allowed, ", "))
	}
	a.Values = append(a.Values, a.allowed[i])
	return nil
}

func (a *FlagStringEnumArray) String() string { return strings.Join(a.Values, ",") }
func (a *FlagStringEnumArray) Type() string   { return "string" }

// FlagDuration is a duration that may begin with days, such as 30d or 1d12h.
type FlagDuration time.Duration

// ParseFlagDuration counts a day as 24 hours.
func ParseFlagDuration(text string) (time.Duration, error) {
	days, rest, found := strings.Cut(text, "d")
	if !found {
		return time.ParseDuration(text)
	}
	number, err := strconv.ParseFloat(days, 64)
	if err != nil {
		return 0, fmt.Errorf("duration %q: the part before d is not a number", text)
	}
	return time.ParseDuration(strconv.FormatFloat(24*number, 'f', -1, 64) + "h" + rest)
}

// MustParseFlagDuration is for defaults.
func MustParseFlagDuration(text string) FlagDuration {
	d, err := ParseFlagDuration(text)
	if err != nil {
		panic(err)
	}
	return FlagDuration(d)
}

func (d *FlagDuration) Set(text string) error {
	parsed, err := ParseFlagDuration(text)
	if err == nil {
		*d = FlagDuration(parsed)
	}
	return err
}

func (d FlagDuration) Duration() time.Duration { return time.Duration(d) }
func (d *FlagDuration) String() string         { return d.Duration().String() }
func (d *FlagDuration) Type() string           { return "duration" }

// FlagTimestamp is a time in RFC 3339, such as 2026-11-27T02:00:00Z.
type FlagTimestamp time.Time

func (t *FlagTimestamp) Set(text string) error {
	parsed, err := time.Parse(time.RFC3339, text)
	if err == nil {
		*t = FlagTimestamp(parsed)
	}
	return err
}

func (t FlagTimestamp) Time() time.Time { return time.Time(t) }
func (t *FlagTimestamp) String() string { return t.Time().Format(time.RFC3339) }
func (t *FlagTimestamp) Type() string   { return "timestamp" }

// flagBytes keeps the bytes of the argument.
type flagBytes []byte

func (b *flagBytes) Set(text string) error {
	*b = flagBytes(text)
	return nil
}

func (b *flagBytes) String() string { return string(*b) }
func (b *flagBytes) Type() string   { return "string" }
