package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/onlywave/onlywave/internal/failure"
)

// maxBody is in bytes.
const maxBody = 64 << 10

// readJSON decodes the body into out. A body that cannot be parsed is an error. The fields are what is wrong in a body that can be
// parsed; out then has what could be decoded.
func (s *Server) readJSON(c *gin.Context, schema string, out any) (failure.Fields, error) {
	if err := isPlainJSON(c.Request.Header); err != nil {
		return nil, err
	}
	body, err := readBody(c)
	if err != nil {
		return nil, err
	}
	if bytes.HasPrefix(body, gzipMagic) {
		return nil, refuse(mediaType, "the body is compressed with gzip; send it uncompressed")
	}
	wrong, err := checkShape(s.contract.document.Components.Schemas[schema].Value, body)
	if err != nil {
		return nil, err
	}
	err = json.Unmarshal(body, out)
	if _, isType := errors.AsType[*json.UnmarshalTypeError](err); err != nil && len(wrong) == 0 {
		return nil, fmt.Errorf("decode a body of the right shape: %w", err)
	} else if err != nil && !isType {
		return nil, invalid(wrong) // decoding ended early: out lacks the rest
	}
	return wrong, nil
}

// isPlainJSON refuses a body whose headers declare anything but uncompressed JSON in UTF-8.
func isPlainJSON(h http.Header) error {
	wrong := func(name, detail string) error {
		return refuse(mediaType, "", failure.Field{Pointer: "#header/" + name, Detail: detail})
	}
	declared := h.Values("Content-Type")
	contentType, parameters, err := mime.ParseMediaType(strings.Join(declared, ", ")) // a header that is sent twice has no meaning
	if err != nil || contentType != "application/json" {
		return wrong("Content-Type", "must be application/json, once")
	}
	if charset, isSet := parameters["charset"]; isSet && !strings.EqualFold(charset, "utf-8") {
		return wrong("Content-Type", "must not name a charset other than utf-8: JSON is UTF-8 (RFC 8259)")
	}
	for _, coding := range strings.Split(strings.Join(h.Values("Content-Encoding"), ","), ",") {
		if coding = strings.TrimSpace(coding); coding != "" && !strings.EqualFold(coding, "identity") {
			return wrong("Content-Encoding", "must be left out: compressed bodies are not supported, send the body uncompressed")
		}
	}
	return nil
}

// gzipMagic begins every gzip file (RFC 1952) and no JSON text.
var gzipMagic = []byte{0x1f, 0x8b}

// readBody reads a body of at most 64 KiB, whatever its Content-Length says.
func readBody(c *gin.Context) ([]byte, error) {
	tooLarge := refuse(bodyTooLarge, "send at most 64 KiB")
	if c.Request.ContentLength > maxBody {
		return nil, tooLarge
	}
	body, err := io.ReadAll(http.MaxBytesReader(c.Writer, c.Request.Body, maxBody))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, tooLarge
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil, refuse(bodyTooLate, "the body did not arrive in time; send the request again")
	}
	if err != nil {
		return nil, refuse(jsonInvalid, "the body ended before it was complete")
	}
	return body, nil
}

// addFields adds findings about parts of the body that have none yet: when payer is missing, nothing is said about its e-mail.
func addFields(known failure.Fields, more []failure.Field) failure.Fields {
	for _, f := range more {
		if !slices.ContainsFunc(known, func(k failure.Field) bool {
			return f.Pointer == k.Pointer || strings.HasPrefix(f.Pointer, k.Pointer+"/")
		}) {
			known.Add(f.Pointer, f.Detail)
		}
	}
	return known
}

// invalid is the error for a request that can be parsed but is wrong.
func invalid(wrong failure.Fields) error {
	return &failure.Error{Kind: failure.Invalid, Message: "the request is not valid", Fields: wrong}
}
