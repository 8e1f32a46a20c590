package simulator

import (
	"bytes"
	"encoding/base64"
	"image/png"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"rsc.io/qr"
)

func TestCRC16(t *testing.T) {
	t.Parallel()
	require.Equal(t, uint16(0x29B1), crc16("123456789"), "the check value of CRC-16/CCITT-FALSE")
	// The example of the Central Bank's Manual do BR Code.
	require.Equal(t, uint16(0x1D3D), crc16("00020126580014br.gov.bcb.pix0136123e4567-e12b-12d1-a456-426655440000"+
		"5204000053039865802BR5913Fulano de Tal6008BRASILIA62070503***6304"))
}

func TestPixText(t *testing.T) {
	t.Parallel()
	codes := newPixCodes(defaultCollector)
	codes.key = "123e4567-e12b-12d1-a456-426655440000"
	text := codes.text(payment{id: "106400160592", amount: 1050})
	require.Equal(t, "00020126580014br.gov.bcb.pix0136123e4567-e12b-12d1-a456-426655440000520400005303986540510.50"+
		"5802BR5913Loja Simulada6009Sao Paulo62250521mpqrinter1064001605926304", text[:len(text)-4])
	require.Regexp(t, `^[0-9A-F]{4}$`, text[len(text)-4:])

	longest := codes.text(payment{id: "999999999999", amount: 99_999_999_999_999})
	require.LessOrEqual(t, len(longest), 192, "fits the code")
	require.NotPanics(t, func() { codes.image(longest) })
}

// The library chooses the size by itself for a text that needs it; ours is fixed, and must then be the same image.
func TestPixImage(t *testing.T) {
	t.Parallel()
	codes := newPixCodes(defaultCollector)
	text := strings.Repeat("0123456789abcdefgh", 10)
	want, err := qr.Encode(text, qr.L)
	require.NoError(t, err)
	want.Scale = qrScale
	require.Equal(t, base64.StdEncoding.EncodeToString(want.PNG()), codes.image(text))
	require.Equal(t, codes.image(text), codes.image(text), "kept and given again")

	data, err := base64.StdEncoding.DecodeString(codes.image(codes.text(payment{id: "106400160592", amount: 1})))
	require.NoError(t, err)
	image, err := png.Decode(bytes.NewReader(data))
	require.NoError(t, err)
	require.Equal(t, (want.Size+8)*qrScale, image.Bounds().Dx(), "the usual text, shorter, has the same size")
}

func BenchmarkPixImage(b *testing.B) {
	codes := newPixCodes(defaultCollector)
	amount := int64(0)
	for b.Loop() {
		amount++
		codes.image(codes.text(payment{id: "106400160592", amount: amount}))
	}
}
