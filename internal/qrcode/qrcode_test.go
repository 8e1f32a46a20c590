package qrcode

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"strings"
	"testing"

	"github.com/makiuchi-d/gozxing"
	reader "github.com/makiuchi-d/gozxing/qrcode"
	"github.com/stretchr/testify/require"
)

// pix is the longest kind of code that Mercado Pago gives, with a letter that is not ASCII.
var pix = "00020126580014br.gov.bcb.pix0136b76aa9c2-2ec4-4110-954e-ebfe34f05b61520400005303986540510.505802BR5908Café São6009Sao Paulo62230519mpqrinter" +
	strings.Repeat("7", 12) + "63049F1D"

// scan reads a QR code as a telephone does, with a library that is not the one which draws it.
func scan(t *testing.T, picture image.Image) string {
	t.Helper()
	bitmap, err := gozxing.NewBinaryBitmapFromImage(picture)
	require.NoError(t, err)
	found, err := reader.NewQRCodeReader().Decode(bitmap, nil)
	require.NoError(t, err)
	return found.GetText()
}

func TestBothPicturesAreTheText(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"x", "00020126", pix, strings.Repeat("0123456789", 60)} {
		encoded, err := PNG(text)
		require.NoError(t, err)
		asPNG, err := png.Decode(bytes.NewReader(encoded))
		require.NoError(t, err)
		require.Equal(t, text, scan(t, asPNG))

		encoded, err = SVG(text)
		require.NoError(t, err)
		asSVG := rasterize(t, encoded)
		require.Equal(t, text, scan(t, asSVG))
		require.Equal(t, asPNG.Bounds(), asSVG.Bounds())
		for y := range asPNG.Bounds().Dy() {
			for x := range asPNG.Bounds().Dx() {
				require.Equal(t, color.GrayModel.Convert(asPNG.At(x, y)), asSVG.At(x, y), "%d, %d", x, y)
			}
		}
	}
}

func TestTheSameTextGivesTheSamePicture(t *testing.T) {
	t.Parallel()
	for _, draw := range []func(string) ([]byte, error){PNG, SVG} {
		one, err := draw(pix)
		require.NoError(t, err)
		two, err := draw(pix)
		require.NoError(t, err)
		require.Equal(t, one, two)
		_, err = draw(strings.Repeat("x", 3000))
		require.ErrorContains(t, err, "draw a QR code of 3000 bytes")
	}
}

// rasterize draws what SVG writes: a white square, and black strokes that are one square high.
func rasterize(t *testing.T, svg []byte) *image.Gray {
	t.Helper()
	var drawing struct {
		Width   int    `xml:"width,attr"`
		Height  int    `xml:"height,attr"`
		ViewBox string `xml:"viewBox,attr"`
		Paths   []struct {
			Fill   string `xml:"fill,attr"`
			Stroke string `xml:"stroke,attr"`
			D      string `xml:"d,attr"`
		} `xml:"http://www.w3.org/2000/svg path"`
	}
	require.NoError(t, xml.Unmarshal(svg, &drawing))
	var side int
	_, err := fmt.Sscanf(drawing.ViewBox, "0 0 %d", &side)
	require.NoError(t, err)
	require.Equal(t, []int{side * module, side * module}, []int{drawing.Width, drawing.Height})
	require.Len(t, drawing.Paths, 2)
	require.Equal(t, fmt.Sprintf("M0 0h%[1]dv%[1]dH0z", side), drawing.Paths[0].D)
	require.Equal(t, []string{"#fff", "#000"}, []string{drawing.Paths[0].Fill, drawing.Paths[1].Stroke})

	picture := image.NewGray(image.Rect(0, 0, drawing.Width, drawing.Height))
	for i := range picture.Pix {
		picture.Pix[i] = 255
	}
	for stroke := range strings.SplitSeq(strings.TrimPrefix(drawing.Paths[1].D, "M"), "M") {
		var x, y, width int
		_, err := fmt.Sscanf(stroke, "%d %d.5h%d", &x, &y, &width)
		require.NoError(t, err, stroke)
		for py := y * module; py < (y+1)*module; py++ {
			for px := x * module; px < (x+width)*module; px++ {
				picture.SetGray(px, py, color.Gray{})
			}
		}
	}
	return picture
}
