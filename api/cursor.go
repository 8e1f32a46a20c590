package api

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
)

// cursors seals positions in lists. A cursor belongs to one list: it opens only with the same caller and filters, so nobody
// builds on what is inside.
type cursors struct{ secret []byte }

const macSize = 16

// seal makes a cursor of a position in a list.
func (cs cursors) seal(list, position string) string {
	return base64.RawURLEncoding.EncodeToString(append(cs.mac(list, position), position...))
}

// open is the position in a cursor that was sealed for this list.
func (cs cursors) open(list, cursor string) (position string, err error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil || len(raw) < macSize || !hmac.Equal(raw[:macSize], cs.mac(list, string(raw[macSize:]))) {
		return "", refuse(cursorInvalid, "use next_cursor as it came, with the same filters, or leave it out to begin again")
	}
	return string(raw[macSize:]), nil
}

// resume tells where to go on in a list; without a cursor it begins at the beginning.
func (cs cursors) resume(list, cursor string, from func(position string) error) error {
	if cursor == "" {
		return nil
	}
	position, err := cs.open(list, cursor)
	if err != nil {
		return err
	}
	if err := from(position); err != nil {
		return fmt.Errorf("read a cursor of our own: %w", err)
	}
	return nil
}

// page cuts what was found to the limit. One more was asked for: where it is there, a cursor leads on from the last one shown.
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
