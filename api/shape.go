package api

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/onlywave/onlywave/internal/failure"
	"github.com/onlywave/onlywave/internal/payment"
)

// maxDepth is how deep arrays and objects may be nested; no request needs more.
const maxDepth = 8

// shape checks a body against a schema of the contract in one pass, and finds fields that are unknown, missing or of another type. The
// domain checks the values afterwards, in better words.
//
// It is stricter than encoding/json, which takes the last of several equal names and silently repairs broken UTF-8: two readers of one
// request must not see two requests.
type shape struct {
	body    []byte
	decoder *jsontext.Decoder
	wrong   failure.Fields
}

// checkShape returns what is wrong with a body that can be parsed. Its time and memory are in proportion to the body.
func checkShape(schema *openapi3.Schema, body []byte) (failure.Fields, error) {
	if len(bytes.TrimSpace(body)) == 0 {
		return nil, refuse(jsonInvalid, "the body is empty; send a JSON object")
	}
	if !utf8.Valid(body) {
		return nil, refuse(jsonInvalid, "the body is not valid UTF-8")
	}
	s := shape{body: body, decoder: jsontext.NewDecoder(bytes.NewBuffer(body))}
	err := s.value(field{schema: schema})
	if err == nil {
		err = s.end()
	}
	if syntax, ok := errors.AsType[*jsontext.SyntacticError](err); ok && errors.Is(err, jsontext.ErrDuplicateName) {
		s.wrong = append(s.wrong, failure.Field{Pointer: string(syntax.JSONPointer), Detail: "is there more than once"})
		return nil, invalid(s.wrong)
	}
	if err != nil {
		return nil, s.unreadable(err)
	}
	return s.wrong, nil
}

// field is what the contract says about a value.
type field struct {
	schema   *openapi3.Schema // nil: the field is unknown or of another type, and its value is skipped
	optional bool
}

// value reads the next value.
func (s *shape) value(f field) error {
	if s.decoder.StackDepth() > maxDepth {
		return refuse(jsonInvalid, fmt.Sprintf("the body is nested deeper than %d levels", maxDepth))
	}
	kind, misfit := s.decoder.PeekKind(), ""
	if f.schema != nil && !f.schema.Type.Is(typeOf[kind]) {
		misfit = typeNames[f.schema.Type.Slice()[0]]
		f.schema = nil
	}
	var err error
	switch kind {
	case '{':
		err = s.object(f.schema)
	case '[':
		err = s.array(f.schema)
	default:
		err = s.scalar(f)
	}
	if err == nil && misfit != "" {
		s.refuse("", "must be "+misfit)
	}
	return err
}

// typeOf is the type of a JSON value in the contract. null has none: it is allowed nowhere.
var typeOf = map[jsontext.Kind]string{
	'{': openapi3.TypeObject, '[': openapi3.TypeArray, '"': openapi3.TypeString, '0': openapi3.TypeInteger,
	't': openapi3.TypeBoolean, 'f': openapi3.TypeBoolean,
}

var typeNames = map[string]string{
	openapi3.TypeObject: "an object", openapi3.TypeArray: "a list", openapi3.TypeString: "a string",
	openapi3.TypeInteger: "a whole number", openapi3.TypeBoolean: "true or false",
}

func (s *shape) object(schema *openapi3.Schema) error {
	if _, err := s.decoder.ReadToken(); err != nil {
		return err
	}
	var missing []string
	if schema != nil {
		missing = slices.Clone(schema.Required)
	}
	for s.decoder.PeekKind() != '}' {
		token, err := s.decoder.ReadToken()
		if err != nil {
			return err
		}
		name := token.String()
		missing = slices.DeleteFunc(missing, func(required string) bool { return required == name })
		if err := s.value(s.field(schema, name)); err != nil {
			return err
		}
	}
	if _, err := s.decoder.ReadToken(); err != nil {
		return err
	}
	for _, name := range missing {
		s.refuse("/"+name, "is missing")
	}
	return nil
}

// field is what an object's schema says about the field whose name was just read.
func (s *shape) field(schema *openapi3.Schema, name string) field {
	if schema == nil {
		return field{}
	}
	if detail := payment.Illegible(name, payment.OneLine); detail != "" {
		s.wrong.Add(string(s.decoder.StackPointer().Parent()), detail) // its own pointer would not be readable, either
		return field{}
	}
	if property := schema.Properties[name]; property != nil {
		return field{schema: property.Value, optional: !slices.Contains(schema.Required, name)}
	}
	if others := schema.AdditionalProperties.Schema; others != nil {
		return field{schema: others.Value}
	}
	s.refuse("", "is not a field here; remove it")
	return field{}
}

func (s *shape) array(schema *openapi3.Schema) error {
	if _, err := s.decoder.ReadToken(); err != nil {
		return err
	}
	var item field
	if schema != nil {
		item.schema = schema.Items.Value
	}
	items := uint64(0)
	for ; s.decoder.PeekKind() != ']'; items++ {
		if schema != nil && schema.MaxItems != nil && items == *schema.MaxItems {
			item = field{} // what is beyond is not looked at: how many there are is the client's to decide
		}
		if err := s.value(item); err != nil {
			return err
		}
	}
	_, err := s.decoder.ReadToken()
	if err == nil && schema != nil && items < schema.MinItems {
		s.refuse("", fmt.Sprintf("must have at least %d", schema.MinItems))
	}
	if err == nil && schema != nil && schema.MaxItems != nil && items > *schema.MaxItems {
		s.refuse("", fmt.Sprintf("must have at most %d", *schema.MaxItems))
	}
	return err
}

// scalar reads a string, number, boolean or null.
func (s *shape) scalar(f field) error {
	token, err := s.decoder.ReadToken()
	if err != nil || f.schema == nil {
		return err
	}
	switch token.Kind() {
	case '"':
		s.text(f, token.String())
	case '0':
		s.number(f, token.String())
	}
	return nil
}

// text refuses characters that cannot be read, and values that cannot be decoded. An empty text where the contract wants a value is
// not the same as none: the client has lost the value.
func (s *shape) text(f field, text string) {
	if detail := payment.Illegible(text, payment.Lines); detail != "" {
		s.refuse("", detail)
	}
	isFree := f.schema.Format == "" && f.schema.MinLength == 0 && len(f.schema.Enum) == 0
	if text == "" && f.optional && !isFree {
		s.refuse("", "must not be empty; leave it out if there is none")
	} else if t, err := time.Parse(time.RFC3339, text); f.schema.Format == "date-time" && (err != nil || t.IsZero()) {
		s.refuse("", "must be a time such as 2026-11-01T00:00:00Z or 2026-11-01T00:00:00-03:00")
	}
}

// number accepts whole numbers in digits only. JSON Schema takes 1e3 and 1.0 for whole numbers, too; money is better written plainly.
// A zero that the contract does not allow is refused here, because the decoded body cannot tell it from a number that was left out.
func (s *shape) number(f field, digits string) {
	n, err := strconv.ParseInt(digits, 10, 64)
	least, most := f.schema.Min, f.schema.Max
	switch {
	case errors.Is(err, strconv.ErrRange):
		s.refuse("", "is too large")
	case err != nil:
		s.refuse("", "must be a whole number, written with digits only")
	case most != nil && float64(n) > *most:
		s.refuse("", fmt.Sprintf("must be at most %.0f", *most))
	case n == 0 && f.optional && least != nil && *least > 0:
		s.refuse("", fmt.Sprintf("must be at least %.0f; leave it out for the default", *least))
	}
}

// refuse adds a finding about the value that was read last, or about something below it.
func (s *shape) refuse(below, detail string) {
	if !s.wrong.Full() { // a pointer takes time to make
		s.wrong.Add(string(s.decoder.StackPointer())+below, detail)
	}
}

// end checks that nothing follows the value.
func (s *shape) end() error {
	offset := s.decoder.InputOffset()
	_, err := s.decoder.ReadToken()
	switch {
	case err == io.EOF:
		return nil
	case err != nil:
		return err
	}
	return &jsontext.SyntacticError{ByteOffset: offset}
}

// unreadable is the error for a body that cannot be parsed, with the position.
func (s *shape) unreadable(err error) error {
	offset, what := len(s.body), "is not valid JSON"
	if syntax, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		offset = int(syntax.ByteOffset)
	} else if !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return err
	}
	if halfSurrogate.Match(s.body[min(offset, len(s.body)):]) {
		what = "holds half of a surrogate pair, which is no character"
	}
	before := s.body[:min(offset, len(s.body)-1)]
	line := bytes.Count(before, []byte("\n")) + 1
	column := utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]) + 1
	return refuse(jsonInvalid, fmt.Sprintf("the body %s; look at line %d, column %d", what, line, column))
}

// halfSurrogate is an escaped half of a UTF-16 surrogate pair. The decoder stops there when the other half is missing.
var halfSurrogate = regexp.MustCompile(`^\\u[dD][89a-fA-F]`)
