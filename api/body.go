package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/onlywave/onlywave/internal/payment"
)

// maxBody is in bytes.
const maxBody = 64 << 10

// readJSON decodes the body into out. A body that cannot be read is an error; the findings are what is wrong in one that can be
// read, and then out is filled in as far as that goes.
func (s *Server) readJSON(c *gin.Context, schema string, out any) (payment.Fields, error) {
	if contentType, _, err := mime.ParseMediaType(c.GetHeader("Content-Type")); err != nil || contentType != "application/json" {
		return nil, refuse(mediaType, "send Content-Type: application/json")
	}
	body, err := readBody(c)
	if err != nil {
		return nil, err
	}
	wrong, err := checkShape(s.contract.document.Components.Schemas[schema].Value, body)
	if err != nil {
		return nil, err
	}
	err = json.Unmarshal(body, out)
	if _, isType := errors.AsType[*json.UnmarshalTypeError](err); err != nil && len(wrong) == 0 {
		return nil, fmt.Errorf("decode a body of the right shape: %w", err)
	} else if err != nil && !isType {
		return nil, invalid(wrong) // decoding ended there: what follows is not in out
	}
	return wrong, nil
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
func addFields(known payment.Fields, more []payment.Field) payment.Fields {
	for _, f := range more {
		if !slices.ContainsFunc(known, func(k payment.Field) bool {
			return f.Pointer == k.Pointer || strings.HasPrefix(f.Pointer, k.Pointer+"/")
		}) {
			known.Add(f.Pointer, f.Detail)
		}
	}
	return known
}

// invalid is the error of a request that can be read but is wrong.
func invalid(wrong payment.Fields) error {
	return &payment.Error{Kind: payment.Invalid, Message: "the request is not valid", Fields: wrong}
}
