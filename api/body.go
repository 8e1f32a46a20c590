package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"github.com/onlywave/onlywave/internal/payment"
)

const (
	maxBody  = 64 << 10
	maxDepth = 8 // no request needs more
)

// readJSON decodes the body into out. A body that cannot be read is a refusal; the fields are what is wrong in one that can,
// and then out is filled in as far as that goes.
func (s *Server) readJSON(c *gin.Context, schema string, out any) ([]payment.Field, error) {
	if contentType, _, err := mime.ParseMediaType(c.GetHeader("Content-Type")); err != nil || contentType != "application/json" {
		return nil, refuse(mediaType, "send Content-Type: application/json")
	}
	body, err := readBody(c)
	if err != nil {
		return nil, err
	}
	whole, odd, err := parseJSON(body)
	if err != nil {
		return nil, err
	}
	fields := addFields(s.contract.shape(schema, whole), odd)
	if err := json.Unmarshal(body, out); err != nil && len(fields) == 0 {
		return nil, fmt.Errorf("decode a body of the right shape: %w", err)
	}
	return fields, nil
}

// readBody reads a body of at most 64 KiB, whatever its length is said to be.
func readBody(c *gin.Context) ([]byte, error) {
	tooLarge := refuse(bodyTooLarge, "send at most 64 KiB")
	if c.Request.ContentLength > maxBody {
		return nil, tooLarge
	}
	body, err := io.ReadAll(http.MaxBytesReader(c.Writer, c.Request.Body, maxBody))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, tooLarge
	}
	if err != nil {
		return nil, refuse(jsonInvalid, "the body ended before it was complete")
	}
	return body, nil
}

// addFields adds findings about parts of the body that nothing was said of yet: who is told that payer is missing need not
// be told that its e-mail is wrong.
func addFields(known, more []payment.Field) []payment.Field {
	for _, f := range more {
		if !slices.ContainsFunc(known, func(k payment.Field) bool {
			return f.Pointer == k.Pointer || strings.HasPrefix(f.Pointer, k.Pointer+"/")
		}) {
			known = append(known, f)
		}
	}
	return known
}

// tree reads JSON more strictly than encoding/json does, which takes the last of several equal keys and repairs broken UTF-8
// in silence: two readers of one request must not see two requests.
type tree struct {
	decoder *json.Decoder
	wrong   []payment.Field
}

// parseJSON is the body as maps, slices, strings and json.Numbers.
func parseJSON(body []byte) (any, []payment.Field, error) {
	if len(bytes.TrimSpace(body)) == 0 {
		return nil, nil, refuse(jsonInvalid, "the body is empty; send a JSON object")
	}
	if !utf8.Valid(body) {
		return nil, nil, refuse(jsonInvalid, "the body is not valid UTF-8")
	}
	var raw json.RawMessage
	if err := json.Unmarshal(body, &raw); err != nil {
		return nil, nil, refuse(jsonInvalid, "the body is not valid JSON; look at "+position(body, err))
	}
	t := tree{decoder: json.NewDecoder(bytes.NewReader(body))}
	t.decoder.UseNumber()
	whole, err := t.value("", 0)
	return whole, t.wrong, err
}

func (t *tree) value(pointer string, depth int) (any, error) {
	if depth > maxDepth {
		return nil, refuse(jsonInvalid, fmt.Sprintf("the body is nested deeper than %d levels", maxDepth))
	}
	token, err := t.decoder.Token()
	if err != nil {
		return nil, fmt.Errorf("read JSON that is known to be valid: %w", err)
	}
	switch token {
	case json.Delim('{'):
		return t.object(pointer, depth)
	case json.Delim('['):
		return t.array(pointer, depth)
	}
	switch token := token.(type) {
	case string:
		t.refuseControl(pointer, token)
	case json.Number:
		t.refuseFraction(pointer, token)
	}
	return token, nil
}

func (t *tree) object(pointer string, depth int) (any, error) {
	object := map[string]any{}
	for t.decoder.More() {
		token, err := t.decoder.Token()
		if err != nil {
			return nil, fmt.Errorf("read JSON that is known to be valid: %w", err)
		}
		key, _ := token.(string)
		at := pointer + "/" + pointerToken(key)
		t.refuseControl(pointer, key)
		if _, twice := object[key]; twice {
			t.wrong = append(t.wrong, payment.Field{Pointer: at, Detail: "is there more than once"})
		}
		if object[key], err = t.value(at, depth+1); err != nil {
			return nil, err
		}
	}
	_, err := t.decoder.Token()
	return object, err
}

func (t *tree) array(pointer string, depth int) (any, error) {
	array := []any{}
	for t.decoder.More() {
		element, err := t.value(pointer+"/"+strconv.Itoa(len(array)), depth+1)
		if err != nil {
			return nil, err
		}
		array = append(array, element)
	}
	_, err := t.decoder.Token()
	return array, err
}

// refuseControl keeps out what the record cannot store (Postgres text has no U+0000) and no person types.
func (t *tree) refuseControl(pointer, text string) {
	if hasControl(text) {
		t.wrong = append(t.wrong, payment.Field{Pointer: pointer, Detail: "must not contain control characters"})
	}
}

// refuseFraction knows that the contract has whole numbers only. For JSON Schema 1e3 and 1.0 are whole, too; money is better
// written plainly.
func (t *tree) refuseFraction(pointer string, n json.Number) {
	_, err := strconv.ParseInt(n.String(), 10, 64)
	if errors.Is(err, strconv.ErrRange) {
		t.wrong = append(t.wrong, payment.Field{Pointer: pointer, Detail: "is too large"})
	} else if err != nil {
		t.wrong = append(t.wrong, payment.Field{Pointer: pointer, Detail: "must be a whole number, written with digits only"})
	}
}

func hasControl(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool {
		return r < ' ' && r != '\n' && r != '\r' && r != '\t' || r == 0x7f
	})
}

// position is where reading stopped, for people.
func position(body []byte, err error) string {
	offset := len(body)
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		offset = int(syntax.Offset)
	}
	before := body[:max(0, min(offset, len(body))-1)] // the offset is behind the character
	line := bytes.Count(before, []byte("\n")) + 1
	column := utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]) + 1
	return fmt.Sprintf("line %d, column %d", line, column)
}

// pointerToken writes a key as one token of a JSON pointer (RFC 6901).
func pointerToken(key string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(key)
}
