package api

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/onlywave/onlywave/internal/payment"
)

// maxDepth is how deep arrays and objects may be nested; no request needs more.
const maxDepth = 8

// shape holds a body against a schema of the contract while it reads it, once, and builds nothing but its findings: fields that
// are unknown, missing or of another type. What values may be is the domain's affair, which says it in better words.
//
// It reads more strictly than encoding/json does, which takes the last of several equal names and repairs broken UTF-8 in
// silence: two readers of one request must not see two requests.
type shape struct {
	body    []byte
	decoder *jsontext.Decoder
	wrong   payment.Fields
}

// checkShape returns what is wrong with a body that can be read. Time and memory are in proportion to the body.
func checkShape(schema *openapi3.Schema, body []byte) (payment.Fields, error) {
	if len(bytes.TrimSpace(body)) == 0 {
		return nil, refuse(jsonInvalid, "the body is empty; send a JSON object")
	}
	if !utf8.Valid(body) {
		return nil, refuse(jsonInvalid, "the body is not valid UTF-8")
	}
	s := shape{body: body, decoder: jsontext.NewDecoder(bytes.NewBuffer(body))}
	err := s.value(schema)
	if err == nil {
		err = s.end()
	}
	if syntax, ok := errors.AsType[*jsontext.SyntacticError](err); ok && errors.Is(err, jsontext.ErrDuplicateName) {
		s.wrong = append(s.wrong, payment.Field{Pointer: string(syntax.JSONPointer), Detail: "is there more than once"})
		return nil, invalid(s.wrong)
	}
	if err != nil {
		return nil, s.unreadable(err)
	}
	return s.wrong, nil
}

// value reads the next value. Without a schema it is of an unknown field, and only passed over.
func (s *shape) value(schema *openapi3.Schema) error {
	if s.decoder.StackDepth() > maxDepth {
		return refuse(jsonInvalid, fmt.Sprintf("the body is nested deeper than %d levels", maxDepth))
	}
	kind, inside := s.decoder.PeekKind(), schema
	fits := schema == nil || schema.Type.Is(typeOf[kind])
	if !fits {
		inside = nil
	}
	var err error
	switch kind {
	case '{':
		err = s.object(inside)
	case '[':
		err = s.array(inside)
	default:
		err = s.scalar(inside)
	}
	if err == nil && !fits {
		s.refuse("", "must be "+inWords[schema.Type.Slice()[0]])
	}
	return err
}

// typeOf is the contract's word for a kind of value. It has none for null, which is nowhere allowed.
var typeOf = map[jsontext.Kind]string{
	'{': openapi3.TypeObject, '[': openapi3.TypeArray, '"': openapi3.TypeString, '0': openapi3.TypeInteger,
	't': openapi3.TypeBoolean, 'f': openapi3.TypeBoolean,
}

var inWords = map[string]string{
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

// field is the schema of a field whose name was just read, or nil when there must be no such field.
func (s *shape) field(schema *openapi3.Schema, name string) *openapi3.Schema {
	if schema == nil {
		return nil
	}
	if hasControl(name) {
		s.wrong.Add(string(s.decoder.StackPointer().Parent()), "must not contain control characters") // its own pointer could not be read
		return nil
	}
	if property := schema.Properties[name]; property != nil {
		return property.Value
	}
	if others := schema.AdditionalProperties.Schema; others != nil {
		return others.Value
	}
	s.refuse("", "is not a field here; remove it")
	return nil
}

func (s *shape) array(schema *openapi3.Schema) error {
	if _, err := s.decoder.ReadToken(); err != nil {
		return err
	}
	var item *openapi3.Schema
	if schema != nil {
		item = schema.Items.Value
	}
	for s.decoder.PeekKind() != ']' {
		if err := s.value(item); err != nil {
			return err
		}
	}
	_, err := s.decoder.ReadToken()
	return err
}

// scalar reads a string, number, boolean or null.
func (s *shape) scalar(schema *openapi3.Schema) error {
	token, err := s.decoder.ReadToken()
	if err != nil || schema == nil {
		return err
	}
	switch token.Kind() {
	case '"':
		s.text(schema, token.String())
	case '0':
		s.number(token.String())
	}
	return nil
}

// text keeps out what the record cannot store (Postgres text has no U+0000) and no person types, and what cannot be decoded.
func (s *shape) text(schema *openapi3.Schema, text string) {
	if hasControl(text) {
		s.refuse("", "must not contain control characters")
	}
	if _, err := time.Parse(time.RFC3339, text); schema.Format == "date-time" && err != nil {
		s.refuse("", "must be a time such as 2026-11-01T00:00:00Z or 2026-11-01T00:00:00-03:00")
	}
}

// number knows that the contract has whole numbers only. For JSON Schema 1e3 and 1.0 are whole, too; money is better written
// plainly.
func (s *shape) number(digits string) {
	_, err := strconv.ParseInt(digits, 10, 64)
	if errors.Is(err, strconv.ErrRange) {
		s.refuse("", "is too large")
	} else if err != nil {
		s.refuse("", "must be a whole number, written with digits only")
	}
}

// refuse adds a finding about what was read last, or about something below it.
func (s *shape) refuse(below, detail string) {
	if !s.wrong.Full() { // a pointer takes time to make
		s.wrong.Add(string(s.decoder.StackPointer())+below, detail)
	}
}

// end sees that nothing comes behind the value.
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

// unreadable says where reading stopped.
func (s *shape) unreadable(err error) error {
	offset := len(s.body)
	if syntax, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		offset = int(syntax.ByteOffset)
	} else if !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return err
	}
	before := s.body[:min(offset, len(s.body)-1)]
	line := bytes.Count(before, []byte("\n")) + 1
	column := utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]) + 1
	return refuse(jsonInvalid, fmt.Sprintf("the body is not valid JSON; look at line %d, column %d", line, column))
}

func hasControl(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool {
		return r < ' ' && r != '\n' && r != '\r' && r != '\t' || r == 0x7f
	})
}
