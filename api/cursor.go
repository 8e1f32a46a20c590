package api

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
)

// cursors makes cursors: positions in lists, with a MAC. A cursor is valid only for the same client app and the same filters, so that
// clients do not build cursors of their own.
type cursors struct{ secret []byte }

const macSize = 16

// seal makes a cursor of a position in a list.
func (cs cursors) seal(list, position string) string {
	return base64.RawURLEncoding.EncodeToString(append(cs.mac(list, position), position...))
}

// open returns the position in a cursor that was made for this list.
func (cs cursors) open(list, cursor string) (position string, err error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil || len(raw) < macSize || !hmac.Equal(raw[:macSize], cs.mac(list, string(raw[macSize:]))) {
		return "", refuse(cursorInvalid, "send next_cursor unchanged and with the same filters, or leave it out to start again")
	}
	return string(raw[macSize:]), nil
}

// resume passes the position in the cursor to from. Without a cursor the list begins at its start.
func (cs cursors) resume(list, cursor string, from func(position string) error) error {
	if cursor == "" {
		return nil
	}
	position, err := cs.open(list, cursor)
	if err != nil {
		return err
	}
	if err := from(position); err != nil {
		return fmt.Errorf("read the position in a cursor: %w", err)
	}
	return nil
}

// page cuts a result to the limit. The query asked for one more than the limit: if it is there, next is the cursor of the next page.
func page[T any](cs cursors, list string, found []T, limit int, position func(T) string) (shown []T, next string) {
	if len(found) <= limit {
		return found, ""
	}
	return found[:limit], cs.seal(list, position(found[limit-1]))
}

func (cs cursors) mac(list, position string) []byte {
	h := hmac.New(sha256.New, cs.secret)
	h.Write([]byte(list))
	h.Write([]byte{0xff}) // no UTF-8 text contains it
	h.Write([]byte(position))
	return h.Sum(nil)[:macSize]
}
